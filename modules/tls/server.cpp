#include "server.hpp"

#include <unistd.h>

#include <utility>

#include "server_name.hpp"
#include "sipward/file_watch.hpp"
#include "tls_stream.hpp"

namespace sipward::tls {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

std::string subject_of(SSL* ssl) {
  const CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out) return {};
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// Gives back the place among the handshakes, counts, and notes what was agreed on.
class ClientOf final : public Observer {
 public:
  ClientOf(Worker& worker, std::shared_ptr<const Contexts> contexts, std::shared_ptr<Handshakes> handshakes,
           Handshakes::Place place, StreamInfo& info)
      : worker_(worker),
        contexts_(std::move(contexts)),
        handshakes_(std::move(handshakes)),
        place_(std::move(place)),
        info_(info) {}

  void handshake_ended(Handshake how, SSL* ssl) override {
    place_ = {};
    handshakes_->ended(worker_, how);
    if (how != Handshake::full && how != Handshake::resumed) return;
    if (info_.source.transport != Transport::wss) info_.source.transport = Transport::tls;
    handshakes_->versions.add(worker_.index(),
                              SSL_version(ssl) == TLS1_3_VERSION ? Handshakes::tls1_3 : Handshakes::tls1_2);
    if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
      info_.server_name = lower_case(name);
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    info_.alpn.assign(reinterpret_cast<const char*>(protocol), size);
    if (contexts_->verifies()) info_.client_name = subject_of(ssl);
  }
  void broken() override { handshakes_->broken.add(worker_.index()); }

 private:
  Worker& worker_;
  std::shared_ptr<const Contexts> contexts_;
  std::shared_ptr<Handshakes> handshakes_;
  Handshakes::Place place_;
  StreamInfo& info_;
};

}  // namespace

std::shared_ptr<Server> Server::make(HandlerOptions options, BuildContext& context) {
  auto server = std::make_shared<Server>(std::move(options), context);
  server->start(context);
  return server;
}

Server::Server(HandlerOptions options, BuildContext& context)
    : options_(std::move(options)),
      log_(context.log),
      handshakes_(Handshakes::get(context)),
      tickets_(TicketKeys::get(context.services, context.clock)) {}

void Server::start(BuildContext& context) {
  if (options_.certificates.empty()) {
    const auto path = self_signed(context.state_dir, host_name()).string();
    options_.certificates = options_.keys = {path};
    log_.warn("tls", "no certificate is named: clients get one that nobody vouches for", {{"file", path}});
  }
  Material material;
  std::string why;
  if (!material.read(options_, why)) throw config::ConfigError("tls can't read " + why);
  auto contexts = Contexts::make(options_, material, tickets_, why);
  if (!contexts) throw config::ConfigError("tls can't use " + why);
  digest_ = material.digest();
  say_expired(*contexts);
  contexts_.publish(std::move(contexts));

  auto paths = options_.certificates;
  paths.insert(paths.end(), options_.keys.begin(), options_.keys.end());
  paths.insert(paths.end(), options_.trust_pool.begin(), options_.trust_pool.end());
  const auto watch = FileWatch::get(context.services);
  watch_ = watch->watch(std::move(paths), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->files_changed();
  });
  watcher_ = watch;
}

void Server::say_expired(const Contexts& contexts) {
  for (const auto& path : contexts.expired())
    log_.warn("tls", "a certificate is past its time, or before it; clients will refuse it",
              {{"file", path}});
}

void Server::files_changed() {
  const std::lock_guard lock(mutex_);
  Material material;
  std::string why;
  std::shared_ptr<const Contexts> next;
  if (material.read(options_, why)) {
    if (material.digest() == digest_) return fault_.clear();
    next = Contexts::make(options_, material, tickets_, why);
  }
  if (next) {
    digest_ = material.digest();
    fault_.clear();
    say_expired(*next);
    contexts_.publish(std::move(next));
    handshakes_->reloads.add_shared(Handshakes::taken);
    return log_.info("tls", "certificates were read anew", {{"file", options_.certificates.front()}});
  }
  handshakes_->reloads.add_shared(Handshakes::refused);
  if (std::exchange(fault_, why) != why)
    log_.warn("tls", "changed certificates can't be used; those from before are kept", {{"why", why}});
}

std::unique_ptr<ByteStream> Server::wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                         StreamInfo& info) const {
  auto place = Handshakes::enter(handshakes_, worker, info.source.remote.address,
                                 {options_.max_handshakes, options_.max_handshakes_per_source});
  if (!place) return nullptr;
  auto contexts = contexts_.snapshot();
  auto ssl = contexts->make_ssl();
  auto observer =
      std::make_unique<ClientOf>(worker, std::move(contexts), handshakes_, std::move(place), info);
  return TlsStream::make(worker, std::move(below), std::move(ssl), std::move(observer));
}

}  // namespace sipward::tls

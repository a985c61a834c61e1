#include "client.hpp"

#include <openssl/x509v3.h>

#include <mutex>
#include <utility>

#include "key_pair.hpp"
#include "sipward/file_watch.hpp"
#include "sipward/net.hpp"
#include "sipward/published.hpp"
#include "tls_stream.hpp"

namespace sipward::tls {
namespace {

// One reading of the files.
class Context {
 public:
  static std::shared_ptr<const Context> make(const TlsClientOptions& options, std::string& why) {
    auto made = std::make_shared<Context>();
    made->context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!made->context_ || !made->trust(options, why) || !made->own(options, why)) return nullptr;
    auto* context = made->context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return made;
  }
  SSL_CTX* get() const { return context_.get(); }

 private:
  bool trust(const TlsClientOptions& options, std::string& why) {
    auto* context = context_.get();
    SSL_CTX_set_verify(context, options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
    if (options.ca.empty())
      return options.insecure_skip_verify || SSL_CTX_set_default_verify_paths(context) == 1;
    for (const auto& path : options.ca) {
      std::string text;
      if (!read_text(path, text, why)) return false;
      const auto certificates = read_certificates(text);
      if (certificates.empty())
        why = path + ": no certificate, or one that is not whole; it must be in PEM form";
      if (certificates.empty()) return false;
      for (const auto& one : certificates) X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get());
    }
    return true;
  }
  bool own(const TlsClientOptions& options, std::string& why) {
    if (options.certificate.empty()) return true;
    std::string certificate, key;
    if (!read_text(options.certificate, certificate, why) || !read_text(options.key, key, why)) return false;
    const auto pair = KeyPair::read(certificate, key, why);
    if (!pair) {
      why = options.certificate + ": " + why;
      return false;
    }
    STACK_OF(X509)* chain = sk_X509_new_null();
    for (const auto& one : pair->chain) sk_X509_push(chain, one.get());
    const bool taken =
        SSL_CTX_use_cert_and_key(context_.get(), pair->certificate.get(), pair->key.get(), chain, 1) == 1;
    sk_X509_free(chain);
    if (!taken) why = options.certificate + ": " + last_error();
    return taken;
  }

  SslContextPtr context_;
};

class Upstream final : public Observer {
 public:
  Upstream(Worker& worker, Counter handshakes, std::shared_ptr<const Context> context)
      : worker_(worker), handshakes_(std::move(handshakes)), context_(std::move(context)) {}
  void handshake_ended(Handshake how, SSL*) override {
    handshakes_.add(worker_.index(), static_cast<std::size_t>(how));
  }
  void broken() override {}

 private:
  Worker& worker_;
  Counter handshakes_;
  std::shared_ptr<const Context> context_;
};

class Client final : public TlsClient, public std::enable_shared_from_this<Client> {
 public:
  Client(TlsClientOptions options, Logger& log, Counter handshakes)
      : options_(std::move(options)), log_(log), handshakes_(std::move(handshakes)) {}

  void start(Services& services) {
    std::string why;
    auto first = Context::make(options_, why);
    if (!first) throw config::ConfigError("tls towards an upstream can't use " + why);
    contexts_.publish(std::move(first));
    auto paths = options_.ca;
    for (const auto* path : {&options_.certificate, &options_.key})
      if (!path->empty()) paths.push_back(*path);
    if (paths.empty()) return;
    const auto watch = FileWatch::get(services);
    watch_ = watch->watch(std::move(paths), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->files_changed();
    });
    watcher_ = watch;
  }

  std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                   std::string_view host) const override {
    auto context = contexts_.snapshot();
    SslPtr ssl(SSL_new(context->get()));
    if (!ssl || !name(ssl.get(), options_.server_name.empty() ? std::string(host) : options_.server_name))
      return nullptr;
    SSL_set_connect_state(ssl.get());
    auto observer = std::make_unique<Upstream>(worker, handshakes_, std::move(context));
    return TlsStream::make(worker, std::move(below), std::move(ssl), std::move(observer));
  }

 private:
  // Asks for that name (RFC 6066 3: never for an address) and wants it in the certificate.
  static bool name(SSL* ssl, const std::string& host) {
    if (const auto address = Address::parse(host))
      return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->to_string().c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
  }

  void files_changed() {
    std::string why;
    auto next = Context::make(options_, why);
    if (next) return contexts_.publish(std::move(next));
    log_.warn("tls", "changed files for an upstream can't be used; those from before are kept",
              {{"why", why}});
  }

  TlsClientOptions options_;
  Logger& log_;
  Counter handshakes_;
  Published<Context> contexts_;
  std::shared_ptr<void> watch_;
  std::shared_ptr<Service> watcher_;
};

}  // namespace

std::shared_ptr<Service> Clients::make_service(BuildContext& context) {
  return std::make_shared<Clients>(context);
}

Clients::Clients(BuildContext& context)
    : handshakes_(context.metrics.counter("sipward_tls_upstream_handshakes_total",
                                          "TLS handshakes with upstreams, by how they ended.", "result",
                                          kHandshakes)) {}

std::shared_ptr<const TlsClient> Clients::make(const TlsClientOptions& options, BuildContext& context) {
  auto client = std::make_shared<Client>(options, context.log, handshakes_);
  client->start(context.services);
  return client;
}

}  // namespace sipward::tls

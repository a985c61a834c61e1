#include "peer.hpp"

#include <openssl/pem.h>

#include <array>
#include <catch2/catch.hpp>

namespace sipward::test {

using namespace tls;

Client::Client(const Setup& setup) : context_(SSL_CTX_new(TLS_client_method())) {
  auto* context = context_.get();
  SSL_CTX_set_min_proto_version(context, setup.min_version);
  SSL_CTX_set_max_proto_version(context, setup.max_version);
  if (!setup.ciphers.empty()) REQUIRE(SSL_CTX_set_cipher_list(context, setup.ciphers.c_str()) == 1);
  if (!setup.signatures.empty()) REQUIRE(SSL_CTX_set1_sigalgs_list(context, setup.signatures.c_str()) == 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* fresh) {
    auto* self = static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    self->session.reset(fresh, SSL_SESSION_free);
    return 1;
  });
  if (setup.verify) SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (setup.certificate) {
    const BioPtr c(BIO_new_mem_buf(setup.certificate->certificate.data(), -1)),
        k(BIO_new_mem_buf(setup.certificate->key.data(), -1));
    const CertificatePtr x(PEM_read_bio_X509(c.get(), nullptr, nullptr, nullptr));
    const KeyPtr key(PEM_read_bio_PrivateKey(k.get(), nullptr, nullptr, nullptr));
    REQUIRE(SSL_CTX_use_cert_and_key(context, x.get(), key.get(), nullptr, 1) == 1);
  }
  ssl_.reset(SSL_new(context));
  if (!setup.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), setup.server_name.c_str());
  std::string protocols;
  for (const auto& one : setup.alpn) protocols += static_cast<char>(one.size()) + one;
  if (!protocols.empty())
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  if (setup.session) SSL_set_session(ssl_.get(), setup.session);
  SSL_set_connect_state(ssl_.get());
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

void Client::pump() {
  if (!to_client->octets.empty()) {
    BIO_write(SSL_get_rbio(ssl_.get()), to_client->octets.data(), static_cast<int>(to_client->octets.size()));
    to_client->octets.clear();
  }
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &text);
  if (size <= 0) return;
  to_server->octets.append(text, static_cast<std::size_t>(size));
  BIO_reset(SSL_get_wbio(ssl_.get()));
}

bool Client::handshake() {
  pump();
  ERR_clear_error();
  const int done = failed ? 0 : SSL_do_handshake(ssl_.get());
  if (done != 1 && SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) failed = true;
  pump();
  return done == 1;
}

void Client::write(const std::string& octets) {
  REQUIRE(SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size())) ==
          static_cast<int>(octets.size()));
  pump();
}

std::string Client::read() {
  std::string all;
  std::array<char, 4096> buffer;
  pump();
  ERR_clear_error();
  for (int n = 0; (n = SSL_read(ssl_.get(), buffer.data(), buffer.size())) > 0;)
    all.append(buffer.data(), static_cast<std::size_t>(n));
  pump();
  return all;
}

std::string Client::subject() {
  const CertificatePtr x(SSL_get1_peer_certificate(ssl_.get()));
  char name[256] = {};
  if (x) X509_NAME_get_text_by_NID(X509_get_subject_name(x.get()), NID_commonName, name, sizeof name);
  return name;
}

int Client::key_type() {
  const CertificatePtr x(SSL_get1_peer_certificate(ssl_.get()));
  return x ? EVP_PKEY_base_id(X509_get0_pubkey(x.get())) : 0;
}

HandlerOptions Host::with(const Certificate& certificate, const std::string& name) {
  HandlerOptions options;
  options.certificates = {folder.write(name + ".pem", certificate.certificate)};
  options.keys = {folder.write(name + ".key", certificate.key)};
  return options;
}

double Host::metric(const std::string& name, const std::string& label_value) {
  double sum = 0;
  for (const auto& family : fake.metrics.collect())
    for (const auto& sample : family.samples)
      if (family.name == name && (label_value.empty() || sample.label_value == label_value))
        sum += sample.number;
  return sum;
}

Meeting::Meeting(Host& h, const Server& server, const Client::Setup& setup, const char* from)
    : host(h), client(setup) {
  info.source.remote = *Endpoint::parse(from);
  info.source.transport = Transport::tcp;
  stream = server.wrap(host.fake.workers.at(0), std::make_unique<PipeEnd>(client.to_server, client.to_client),
                       info);
}

ByteStream::Result Meeting::shake() {
  ByteStream::Result result;
  bool client_done = false;
  for (int round = 0; round < 200; ++round) {
    client_done = client.handshake() || client_done;
    result = stream->handshake();
    if (result.status == ByteStream::Status::ok || result.status == ByteStream::Status::error ||
        result.status == ByteStream::Status::end)
      break;
  }
  client.handshake();
  if (result.status == ByteStream::Status::ok) client.read();
  return result;
}

std::string read_all(ByteStream& stream) {
  std::string all;
  std::array<char, 4096> buffer;
  while (true) {
    const auto result = stream.read(buffer);
    if (result.status != ByteStream::Status::ok) return all;
    all.append(buffer.data(), result.octets);
  }
}

}  // namespace sipward::test

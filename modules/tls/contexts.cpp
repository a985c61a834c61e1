#include "contexts.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "server_name.hpp"

namespace sipward::tls {
namespace {

constexpr long kCachedSessions = 4096;       // TLS 1.2 sessions of clients that take no tickets
constexpr long kMaxCertificates = 32 << 10;  // octets of a client's chain
constexpr auto kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES256+SHA384:ECDHE+AES128+SHA256";

int number_of(Version version) {
  return version == Version::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

int accept_any(int, X509_STORE_CTX*) {
  return 1;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ":") + word;
  return text;
}

std::string sha256(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

}  // namespace

bool Material::read(const HandlerOptions& options, std::string& why) {
  for (std::size_t i = 0; i < options.certificates.size(); ++i) {
    auto& pair = pairs.emplace_back();
    pair.certificate_path = options.certificates[i];
    if (!read_text(options.certificates[i], pair.certificate, why) ||
        !read_text(options.keys[i], pair.key, why))
      return false;
  }
  for (const auto& path : options.trust_pool)
    if (!read_text(path, trust_pool.emplace_back(), why)) return false;
  return true;
}

std::string Material::digest() const {
  std::string all;
  for (const auto& pair : pairs) all += sha256(pair.certificate) + sha256(pair.key);
  for (const auto& pool : trust_pool) all += sha256(pool);
  return all;
}

std::shared_ptr<const Contexts> Contexts::make(const HandlerOptions& options, const Material& material,
                                               std::shared_ptr<TicketKeys> tickets, std::string& why) {
  std::shared_ptr<Contexts> made(new Contexts(options, std::move(tickets)));
  if (!made->build(material, why)) return nullptr;
  return made;
}

bool Contexts::read_trust_pool(const Material& material, std::string& why) {
  trust_.reset(X509_STORE_new());
  for (std::size_t i = 0; i < material.trust_pool.size(); ++i) {
    auto certificates = read_certificates(material.trust_pool[i]);
    if (certificates.empty()) {
      why = options_.trust_pool[i] + ": no certificate, or one that is not whole; it must be in PEM form";
      return false;
    }
    for (auto& one : certificates) {
      X509_STORE_add_cert(trust_.get(), one.get());
      authorities_.push_back(std::move(one));
    }
  }
  return true;
}

bool Contexts::build(const Material& material, std::string& why) {
  verifies_ = options_.client_auth == ClientAuth::verify_if_given ||
              options_.client_auth == ClientAuth::require_and_verify;
  for (const auto& protocol : options_.alpn) alpn_ += static_cast<char>(protocol.size()) + protocol;
  if (!read_trust_pool(material, why)) return false;
  std::string rules = "sipward client_auth " + std::to_string(static_cast<int>(options_.client_auth));
  for (const auto& pool : material.trust_pool) rules += sha256(pool);
  session_id_ = sha256(rules);

  std::map<std::string, Group> groups;
  for (std::size_t i = 0; i < material.pairs.size(); ++i) {
    const auto& texts = material.pairs[i];
    auto pair = KeyPair::read(texts.certificate, texts.key, why);
    if (!pair) {
      why = texts.certificate_path + ": " + why;
      return false;
    }
    if (pair->expired) expired_.push_back(texts.certificate_path);
    // The first of several that have the same name and type of key is the one.
    for (const auto& name : pair->names) {
      auto& group = groups[name];
      if (std::none_of(group.begin(), group.end(), [&](auto j) { return pairs_[j]->type == pair->type; }))
        group.push_back(i);
    }
    pairs_.push_back(std::move(pair));
  }
  if (pairs_.empty()) {
    why = "there is no certificate";
    return false;
  }
  const auto& names = pairs_.front()->names;
  Group first = names.empty() ? Group{0} : groups[names.front()];
  groups[""] = first;
  for (const auto& [name, group] : groups) {
    auto& context = contexts_[group];
    if (!context) context = make_context(group, why);
    if (!context) return false;
    (name.empty() ? first_ : by_name_[name]) = context.get();
  }
  return true;
}

SslContextPtr Contexts::make_context(const Group& group, std::string& why) const {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || !configure(context.get(), why)) return nullptr;
  for (const auto i : group) {
    const auto& pair = *pairs_[i];
    STACK_OF(X509)* chain = sk_X509_new_null();
    for (const auto& one : pair.chain) sk_X509_push(chain, one.get());
    const bool taken =
        SSL_CTX_use_cert_and_key(context.get(), pair.certificate.get(), pair.key.get(), chain, 1) == 1;
    sk_X509_free(chain);
    if (taken) continue;
    why = options_.certificates[i] + ": " + last_error();
    return nullptr;
  }
  return context;
}

bool Contexts::configure(SSL_CTX* context, std::string& why) const {
  const auto& versions = options_.protocols;
  SSL_CTX_set_min_proto_version(context, versions.empty() ? TLS1_2_VERSION : number_of(versions.front()));
  SSL_CTX_set_max_proto_version(context, versions.size() < 2 ? TLS1_3_VERSION : number_of(versions.back()));
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_max_cert_list(context, kMaxCertificates);

  std::vector<std::string> suites, ciphers;  // of TLS 1.3, and of TLS 1.2
  for (const auto& word : options_.ciphers) (word.starts_with("TLS_") ? suites : ciphers).push_back(word);
  const bool known =
      SSL_CTX_set_cipher_list(context, ciphers.empty() ? kCiphers : joined(ciphers).c_str()) == 1 &&
      (suites.empty() || SSL_CTX_set_ciphersuites(context, joined(suites).c_str()) == 1);
  if (!known) {
    why = "ciphers: " + last_error();
    return false;
  }

  int mode = SSL_VERIFY_NONE;
  if (options_.client_auth != ClientAuth::off) mode = SSL_VERIFY_PEER;
  if (options_.client_auth == ClientAuth::require || options_.client_auth == ClientAuth::require_and_verify)
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, verifies_ ? nullptr : accept_any);
  SSL_CTX_set1_cert_store(context, trust_.get());
  for (const auto& authority : authorities_) SSL_CTX_add_client_CA(context, authority.get());

  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, kCachedSessions);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_id_.data()),
                                 static_cast<unsigned>(session_id_.size()));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  auto* self = const_cast<Contexts*>(this);
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  SSL_CTX_set_tlsext_servername_arg(context, self);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, self);
  return true;
}

SslPtr Contexts::make_ssl() const {
  SslPtr ssl(SSL_new(first_));
  if (!ssl) return nullptr;
  SSL_set_app_data(ssl.get(), tickets_.get());
  SSL_set_accept_state(ssl.get());
  return ssl;
}

SSL_CTX* Contexts::context_for(std::string_view name) const {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) found = by_name_.find(wildcard_of(name));
  return found == by_name_.end() ? nullptr : found->second;
}

int Contexts::on_server_name(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  if (auto* context = static_cast<const Contexts*>(self)->context_for(lower_case(name)))
    SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

int Contexts::on_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                      unsigned offered_size, void* self) {
  const auto& ours = static_cast<const Contexts*>(self)->alpn_;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int Contexts::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int seal) {
  return static_cast<TicketKeys*>(SSL_get_app_data(ssl))->use(name, iv, cipher, mac, seal != 0);
}

}  // namespace sipward::tls

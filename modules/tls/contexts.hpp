#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "key_pair.hpp"
#include "openssl.hpp"
#include "options.hpp"
#include "ticket_keys.hpp"

namespace sipward::tls {

// The contents of the files that a handler `tls` names, read at one moment.
struct Material {
  struct Pair {
    std::string certificate_path, certificate, key;
  };
  std::vector<Pair> pairs;
  std::vector<std::string> trust_pool;

  // Reads them all; false with `why` when one can't be read.
  bool read(const HandlerOptions& options, std::string& why);
  std::string digest() const;  // the same for the same contents
};

// All that a handshake of a server needs, from one reading of its files: for each set of certificates that a
// name may call for a context, and which name calls for which. Immutable; safe to use from any thread; kept
// by every stream that began with it.
class Contexts {
 public:
  // None with `why` when what the files hold is no good.
  static std::shared_ptr<const Contexts> make(const HandlerOptions& options, const Material& material,
                                              std::shared_ptr<TicketKeys> tickets, std::string& why);
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  // A server's side; the Contexts must outlive it.
  SslPtr make_ssl() const;
  // Whether a client that gave a certificate was really asked to prove who it is.
  bool verifies() const { return verifies_; }
  const std::vector<std::string>& expired() const { return expired_; }  // the files

 private:
  using Group = std::vector<std::size_t>;  // numbers of pairs, one of each type of key

  Contexts(const HandlerOptions& options, std::shared_ptr<TicketKeys> tickets)
      : options_(options), tickets_(std::move(tickets)) {}
  bool build(const Material& material, std::string& why);
  bool read_trust_pool(const Material& material, std::string& why);
  SslContextPtr make_context(const Group& group, std::string& why) const;
  bool configure(SSL_CTX* context, std::string& why) const;
  SSL_CTX* context_for(std::string_view name) const;  // nullptr: none has it, the first one serves

  static int on_server_name(SSL* ssl, int* alert, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                     const unsigned char* offered, unsigned offered_size, void* self);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seal);

  HandlerOptions options_;
  std::shared_ptr<TicketKeys> tickets_;
  std::vector<std::shared_ptr<const KeyPair>> pairs_;
  std::vector<CertificatePtr> authorities_;
  StorePtr trust_;
  std::string session_id_;  // sessions go on only where clients are asked for the same
  std::string alpn_;        // as it is on the wire
  bool verifies_ = false;
  std::vector<std::string> expired_;
  std::map<Group, SslContextPtr> contexts_;
  std::map<std::string, SSL_CTX*, std::less<>> by_name_;
  SSL_CTX* first_ = nullptr;
};

}  // namespace sipward::tls

#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "openssl.hpp"
#include "sipward/clock.hpp"
#include "sipward/services.hpp"

namespace sipward::tls {

// What session tickets are sealed with (RFC 5077 4): the service "tls/ticket_keys", so that a client resumes
// its session after a reload. A key seals for 12 hours and opens for as long again. Safe to call from any
// thread.
class TicketKeys final : public Service {
 public:
  static constexpr std::chrono::hours kSeals{12};

  static std::shared_ptr<TicketKeys> get(Services& services, const Clock& clock);
  explicit TicketKeys(const Clock& clock) : clock_(clock) {}

  // As SSL_CTX_set_tlsext_ticket_key_evp_cb() wants it.
  int use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool seal);

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher, mac;
    Time made;
  };
  bool rotate(Time now);

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<Key> keys_;  // the one that seals first
};

}  // namespace sipward::tls

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"

namespace sipward::digest_auth {

// A nonce is 18 octets in base64: when it was made, a number of its own, and a seal over these, the realm and
// the address it was sent to (RFC 7616 3.3, 5.4). So nothing is kept of a challenge, and nobody else can make
// or use one. Immutable; safe to call from any thread.
class Nonces {
 public:
  static constexpr std::size_t kLength = 32;
  using Text = std::array<char, kLength>;

  // The seal's key is made from `secret`; nodes with the same one take each other's nonces.
  Nonces(std::string_view secret, std::string_view realm, std::chrono::seconds lifetime);

  Text make(const Address& client, WallTime now) const;

  enum class State : std::uint8_t {
    good,
    stale,    // ours, and too old
    foreign,  // not ours, or not for this address
  };
  struct Judged {
    State state = State::foreign;
    std::uint64_t id = 0;  // of a good one
  };
  Judged judge(std::string_view nonce, const Address& client, WallTime now) const;

 private:
  std::array<unsigned char, 32> key_{};
  std::chrono::seconds lifetime_;
};

}  // namespace sipward::digest_auth

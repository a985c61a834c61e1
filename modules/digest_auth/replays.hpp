#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "sipward/clock.hpp"

namespace sipward::digest_auth {

// Which nonce counts were used (RFC 7616 3.4.5, `nc`). Only credentials that were right get here, so nobody
// without an account can fill it. One worker's; a source always comes to the same one.
class Replays {
 public:
  static constexpr std::size_t kMax = 1 << 16;  // nonces at a time
  static constexpr std::uint32_t kWindow = 64;  // counts may overtake each other by this much

  enum class Use : std::uint8_t {
    fresh,
    again,     // the very request that used it before: a retransmission
    replayed,  // another request used it, or it is too old to know
    full,      // no room to remember it
  };
  // `request` is a hash of what a retransmission repeats. `until`: when the nonce ends.
  Use use(std::uint64_t nonce, std::uint32_t count, std::uint64_t request, Time now, Time until);
  std::size_t size() const { return used_.size(); }

 private:
  struct Counts {
    std::uint32_t highest = 0;
    std::uint64_t before = 0;             // bit i: highest - i was used
    std::array<std::uint64_t, 4> last{};  // requests, by count
  };
  struct End {
    Time at;
    std::uint64_t nonce;
  };
  std::unordered_map<std::uint64_t, Counts> used_;
  std::deque<End> ends_;  // all nonces live as long, so they end about in this order
};

}  // namespace sipward::digest_auth

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ban.hpp"
#include "sipward/zeroed_array.hpp"

namespace sipward::guardian {

// The place of a ban in the table of all.
using BanSlot = std::uint32_t;
inline constexpr BanSlot kNoBan = ~BanSlot{0};

// A ban as it is kept: one cache line. Workers read `hash` and `bite` and count `hits` without a lock, the
// rest belongs to whoever holds the lock of the bans. A place that is reused has another hash: `hash` is 0
// before anything else of it changes, so whoever reads a hash, then the rest, then the same hash again has
// read one ban.
struct alignas(64) BanRecord {
  std::uint64_t hash;  // BanHash of the target; 0: nobody's
  std::uint64_t bite;  // the monotonic end in nanoseconds, times 4, and two flags
  std::uint64_t hits;
  std::uint64_t id;
  std::uint64_t base;            // the first 8 octets of the prefix, of IPv4 its number
  std::uint64_t banned_at;       // milliseconds since 1970, and what Facts says
  std::uint64_t expires_at;      // milliseconds since 1970
  std::uint16_t reason, source;  // numbers of texts
  std::uint32_t place;           // in the order of ends; of a free place the next one

  struct Facts {
    Scope scope;
    Evidence evidence;
    Proof proof;
    bool v4;
    bool told;  // there are signals or an excerpt
    std::uint8_t bits;
  };
  static constexpr unsigned kTimeBits = 44;
  static constexpr std::uint64_t kLatest = (std::uint64_t{1} << kTimeBits) - 1;

  Facts facts() const {
    const auto f = banned_at >> kTimeBits;
    return {static_cast<Scope>(f & 3),
            static_cast<Evidence>(f >> 2 & 3),
            static_cast<Proof>(f >> 4 & 7),
            (f >> 7 & 1) != 0,
            (f >> 8 & 1) != 0,
            static_cast<std::uint8_t>(f >> 9)};
  }
  void set(const Facts& f, std::uint64_t begin) {
    const auto packed = static_cast<std::uint64_t>(f.scope) | static_cast<std::uint64_t>(f.evidence) << 2 |
                        static_cast<std::uint64_t>(f.proof) << 4 | (f.v4 ? 1ULL << 7 : 0) |
                        (f.told ? 1ULL << 8 : 0) | static_cast<std::uint64_t>(f.bits) << 9;
    banned_at = begin | packed << kTimeBits;
  }
  static constexpr std::uint64_t kAutomatic = 1;
  static constexpr std::uint64_t kWide = 2;  // sources of several workers may be meant
  static constexpr unsigned kBiteBits = 2;
  static Time expires_of(std::uint64_t bite) {
    return Time(Duration(static_cast<Duration::rep>(bite >> kBiteBits)));
  }
  Time expires() const { return expires_of(bite); }
  bool automatic() const { return (bite & kAutomatic) != 0; }
};
static_assert(sizeof(BanRecord) == 64);

using BanRecords = ZeroedArray<BanRecord>;

inline std::atomic_ref<std::uint64_t> shared(std::uint64_t& field) {
  return std::atomic_ref<std::uint64_t>(field);
}

}  // namespace sipward::guardian

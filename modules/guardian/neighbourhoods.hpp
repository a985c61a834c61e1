#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "distinct_days.hpp"
#include "sipward/net.hpp"
#include "sipward/zeroed_array.hpp"
#include "unresolved.hpp"

namespace sipward::guardian {

// Sources that live next to each other, as scans are spread over them: a /24, of IPv6 a /48.
Cidr neighbourhood_of(const Address& address);

// How many unknown users the sources of each neighbourhood asked for in the last days, over all workers, and
// which neighbourhoods hold live registrations. Bounded: the neighbourhood that asked for the fewest gives
// way, among eight that nobody can choose. No lock and no allocation; what two workers do to one place in the
// same moment may lose a mark, or leave one to the neighbourhood that takes the place. Safe to call from any
// thread.
class Neighbourhoods {
 public:
  static constexpr std::size_t kPlaces = 8'192;
  static constexpr std::size_t kLive = 65'536;
  static constexpr unsigned kBits = 256;
  // A whole network is banned for evidence from so many of its sources only.
  static constexpr unsigned kMembers = 3;

  explicit Neighbourhoods(const HashKey& key);

  struct Seen {
    unsigned marks = 0;    // of unknown users, as marks_of(…, kBits)
    unsigned members = 0;  // different sources, at most this many
  };
  // A source asked for a user that the PBX does not know; all by keyed hash.
  Seen note(const Cidr& network, Grade grade, std::uint64_t source, std::uint64_t user, Time now);
  void forget(const Cidr& network);

  // Somebody registered or authenticated from there. It is remembered for a day: longer than registrations
  // live, and too long is the safe side.
  void settle(const Cidr& network, Time now);
  bool settled(const Cidr& network, Time now) const;

  std::size_t octets() const { return places_.octets() + live_.octets(); }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kWords = kBits / 64;

  // All octets 0 is an empty one.
  struct alignas(64) Place {
    std::uint64_t key;
    std::uint32_t day;
    std::uint64_t users[DistinctDays::kDays][kWords];
    std::uint64_t members[DistinctDays::kDays];
  };
  static Seen seen(Place& place);
  static void clear(Place& place, std::uint32_t from, std::uint32_t to);
  Place* find(std::uint64_t key, std::uint32_t today, bool make);
  std::uint64_t key_of(const Cidr& network, std::uint64_t what) const;

  HashKey key_;
  ZeroedArray<Place> places_;
  ZeroedArray<std::uint32_t> live_;  // the hour until which, of any network with this hash
};

}  // namespace sipward::guardian

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "sipward/clock.hpp"
#include "sipward/zeroed_array.hpp"

namespace sipward::guardian {

// The usual order: what expires first goes first.
template <class Value>
Time worth(const Value& value) {
  return value.expires;
}

// What the network makes us remember, in a fixed number of places. Keys are keyed hashes, so an attacker
// can't choose where his entries go: a new one replaces, among the kWays places of its neighbourhood, one
// that is free or expired, else the one that was used least recently by Value's own account. Neither finding
// nor inserting allocates; the memory of a place is taken when it is first used.
//
// Value is trivially copyable, default-constructible and has `Time expires`; worth(value) orders what may go
// first: smaller goes. Belongs to one worker.
template <class Value>
class BoundedTable {
 public:
  static constexpr std::size_t kWays = 8;

  // `places` is rounded up to a power of two, at least kWays.
  explicit BoundedTable(std::size_t places)
      : sets_(std::bit_ceil(places < kWays ? kWays : places) / kWays),
        sets_of_keys_(sets_),
        values_(sets_ * kWays) {}

  // nullptr when the key is not there or has expired.
  Value* find(std::uint64_t key, Time now) {
    const std::size_t place = place_of(key);
    return place == kNone || values_[place].expires <= now ? nullptr : &values_[place];
  }
  // The value of the key; a fresh one (Value{}) when it was not there or had expired. The caller sets
  // `expires`.
  Value& at(std::uint64_t key, Time now) {
    std::size_t place = place_of(key);
    if (place == kNone) {
      place = victim(key, now);
      if (keys_of(place) == 0) ++used_;
      keys_of(place) = nonzero(key);
      values_[place] = Value{};
    } else if (values_[place].expires <= now) {
      values_[place] = Value{};
    }
    return values_[place];
  }
  void erase(std::uint64_t key) {
    if (const std::size_t place = place_of(key); place != kNone) free(place);
  }
  // For what is rare: walks every place.
  template <class Condition>
  std::size_t erase_if(Condition&& condition) {
    std::size_t erased = 0;
    for (std::size_t place = 0; place < capacity(); ++place) {
      if (keys_of(place) == 0 || !condition(static_cast<const Value&>(values_[place]))) continue;
      free(place);
      ++erased;
    }
    return erased;
  }
  // Gives back what has expired in the next few neighbourhoods, round and round: called now and then, it
  // keeps size() near the number of live values.
  void sweep(std::size_t neighbourhoods, Time now) {
    for (; neighbourhoods != 0; --neighbourhoods, swept_ = (swept_ + 1) & (sets_ - 1)) {
      for (std::size_t place = swept_ * kWays; place < (swept_ + 1) * kWays; ++place) {
        if (keys_of(place) != 0 && values_[place].expires <= now) free(place);
      }
    }
  }
  template <class Visit>
  void for_each(Time now, Visit&& visit) const {
    for (std::size_t place = 0; place < capacity(); ++place) {
      if (keys_of(place) != 0 && values_[place].expires > now) visit(values_[place]);
    }
  }
  std::size_t capacity() const { return sets_ * kWays; }
  std::size_t neighbourhoods() const { return sets_; }
  std::size_t size() const { return used_; }  // with what has expired and was not swept yet
  std::size_t octets() const { return sets_of_keys_.octets() + values_.octets(); }

 private:
  struct alignas(64) Keys {
    std::uint64_t key[kWays];  // 0: free
  };
  static constexpr std::size_t kNone = ~std::size_t{0};

  static std::uint64_t nonzero(std::uint64_t key) { return key == 0 ? 1 : key; }
  std::size_t set_of(std::uint64_t key) const { return (key >> 32) & (sets_ - 1); }
  std::uint64_t& keys_of(std::size_t place) const { return sets_of_keys_[place / kWays].key[place % kWays]; }

  void free(std::size_t place) {
    keys_of(place) = 0;
    --used_;
  }

  std::size_t place_of(std::uint64_t key) const {
    const std::uint64_t wanted = nonzero(key);
    const std::size_t set = set_of(key);
    for (std::size_t way = 0; way < kWays; ++way) {
      if (sets_of_keys_[set].key[way] == wanted) return set * kWays + way;
    }
    return kNone;
  }
  std::size_t victim(std::uint64_t key, Time now) const {
    const std::size_t first = set_of(key) * kWays;
    std::size_t chosen = first;
    for (std::size_t place = first; place < first + kWays; ++place) {
      if (keys_of(place) == 0 || values_[place].expires <= now) return place;
      if (worth(values_[place]) < worth(values_[chosen])) chosen = place;
    }
    return chosen;
  }

  std::size_t sets_;
  std::size_t used_ = 0;
  std::size_t swept_ = 0;
  ZeroedArray<Keys> sets_of_keys_;
  ZeroedArray<Value> values_;
};

// A key made of two: the same pair gives the same key, and neither part alone tells where it goes.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a ^ (b + 0x9E3779B97F4A7C15ULL + (a << 6) + (a >> 2));
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93ULL;
  x ^= x >> 32;
  return x;
}

}  // namespace sipward::guardian

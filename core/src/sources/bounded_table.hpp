#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "sipward/clock.hpp"
#include "sipward/zeroed_array.hpp"

namespace sipward {

// A hash table of fixed size that forgets instead of growing: entries live in neighbourhoods of eight, and a
// new one takes the place of the least useful of its own. Keys are secret hashes, so nobody chooses whose
// place that is. Entry has `key` (0: free) and `expires`, and may have `rank()`: what ranks lower goes first,
// then what expires sooner. An Entry whose octets are all zero is a free one. No allocation after
// construction; not safe for more than one thread.
template <class Entry>
class BoundedTable {
 public:
  static constexpr std::size_t kWays = 8;

  // At least `capacity` entries, rounded up to a power of two.
  explicit BoundedTable(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < kWays ? kWays : capacity) / kWays - 1),
        entries_((mask_ + 1) * kWays) {}

  Entry* find(std::uint64_t key, Time now) {
    for (Entry *e = home(key), *end = e + kWays; e != end; ++e)
      if (e->key == key && e->expires > now) return e;
    return nullptr;
  }
  const Entry* find(std::uint64_t key, Time now) const {
    return const_cast<BoundedTable*>(this)->find(key, now);
  }
  // The live entry of that key, or a fresh one (`made`) in place of a free, expired or least useful one. A
  // fresh entry is Entry{} with its key; the caller sets the rest. Never fails.
  Entry& insert(std::uint64_t key, Time now, bool& made) {
    Entry* worst = nullptr;
    for (Entry *e = home(key), *end = e + kWays; e != end; ++e) {
      if (e->key == key && e->expires > now) {
        made = false;
        return *e;
      }
      if (!worst || less_useful(*e, *worst, now)) worst = e;
    }
    made = true;
    if (worst->key == 0) ++used_;
    *worst = Entry{};
    worst->key = key;
    return *worst;
  }
  // For what is rare: walks the whole table.
  template <class Visit>
  void for_each(Time now, Visit&& visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].key != 0 && entries_[i].expires > now) visit(std::as_const(entries_[i]));
  }
  void erase(Entry& entry) {
    entry = Entry{};
    --used_;
  }
  // Slots ever filled and not erased: an upper bound of the live entries.
  std::size_t used() const { return used_; }
  std::size_t capacity() const { return (mask_ + 1) * kWays; }

 private:
  Entry* home(std::uint64_t key) { return &entries_[(key >> 8 & mask_) * kWays]; }
  static bool less_useful(const Entry& a, const Entry& b, Time now) {
    const bool a_free = a.key == 0 || a.expires <= now;
    const bool b_free = b.key == 0 || b.expires <= now;
    if (a_free != b_free) return a_free;
    if constexpr (requires { a.rank(); }) {
      if (a.rank() != b.rank()) return a.rank() < b.rank();
    }
    return a.expires < b.expires;
  }

  std::size_t mask_;
  std::size_t used_ = 0;
  ZeroedArray<Entry> entries_;
};

}  // namespace sipward

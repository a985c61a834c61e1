#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ban.hpp"
#include "bounded_table.hpp"
#include "failures.hpp"
#include "window.hpp"

namespace sipward::guardian {

// What unproven evidence may do: after max_failures strikes within find_time the address (IPv6: its /64) is
// soft-blocked, first for `soft_block`, twice as long each time it happens again, at most `max`. Anybody can
// cause it in anybody's name, so it never stops those who are known (guardian.cpp says whom), is short, and
// is no ban. Bounded (kAddresses); live blocks give way last. Belongs to one worker.
class SoftBlocks {
 public:
  static constexpr std::size_t kAddresses = 8'192;

  struct Limits {
    std::uint32_t strikes = 5;
    Duration find_time{};
    Duration time{};
    Duration max{};
  };

  SoftBlocks() : SoftBlocks(kAddresses) {}
  explicit SoftBlocks(std::size_t addresses) : table_(addresses) {}

  bool empty(Time now) const { return last_until_ <= now; }
  bool blocked(std::uint64_t key, Time now) {
    if (empty(now)) return false;
    const auto* entry = table_.find(key, now);
    return entry && entry->until > now;
  }
  // Counts a strike; true when this one made the block. None is made while one lives, nor for one that is
  // exempt.
  bool strike(const Address& host, std::uint64_t key, const Signal& signal, const Limits& limits, Time now);
  // The address is protected: it can't be soft-blocked until then, and nobody needs to ask again.
  void exempt(const Address& host, std::uint64_t key, Time until, Time now);
  bool is_exempt(std::uint64_t key, Time now) {
    const auto* entry = table_.find(key, now);
    return entry && entry->exempt > now;
  }
  // Ends at; Time{} when there is none.
  Time until(std::uint64_t key, Time now);
  std::vector<Signal> signals(std::uint64_t key, Time now);
  std::uint32_t count(std::uint64_t key, Duration find_time, Time now);  // strikes since the last block
  void forget(const Cidr& prefix);

 private:
  struct Entry {
    Time expires{};
    Time until{};   // blocked until
    Time exempt{};  // never blocked until
    Address host;
    Window strikes;
    std::uint8_t level = 0;
    SignalLog log;

    friend Time worth(const Entry& entry) {
      return entry.until > Time{} ? entry.until : entry.expires - Duration(std::chrono::hours(24));
    }
  };
  BoundedTable<Entry> table_;
  Time last_until_{};
};

}  // namespace sipward::guardian

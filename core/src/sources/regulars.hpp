#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sources/bounded_table.hpp"

namespace sipward {

// How many registrations lived behind an address at once within the last week, so that an office is known as
// one when all of its phones come back after a power cut and none is registered any more. Only accepted
// registrations of proven sources get here. One worker's.
class Regulars {
 public:
  static constexpr std::size_t kAddresses = 16'384;
  static constexpr auto kKept = std::chrono::hours(24 * 7);
  static constexpr std::uint32_t kMost = 10'000;

  struct Regular {
    Address address;  // IPv6: its /64
    std::uint32_t registrations = 0;
    Time expires{};
  };

  explicit Regulars(const HashKey& key) : key_(key), table_(kAddresses) {}

  // So many are live behind the address now.
  void note(const Address& address, std::size_t live, Time now);
  // The most within kKept.
  std::size_t count(const Address& address, Time now) const;
  std::vector<Regular> list(Time now) const;
  // Takes back what list() gave; what is known already stays when it is more.
  void restore(const Regular& regular, Time now);

 private:
  struct Entry {
    std::uint64_t key = 0;
    Time expires{};
    Address address;
    std::uint32_t most = 0;
    // An office goes last.
    std::uint32_t rank() const { return most; }
  };
  std::uint64_t key_of(const Address& address) const;

  HashKey key_;
  BoundedTable<Entry> table_;
};

}  // namespace sipward

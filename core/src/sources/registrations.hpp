#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"

namespace sipward {

// The accepted registrations behind each address (IPv6: each /64), exact as long as there is room: only a 2xx
// of the upstream to a REGISTER that proved its source puts one in, so strangers can't fill it. Allocates
// when one is added, never per packet. One worker's.
class Registrations {
 public:
  static constexpr std::size_t kPerAddress = 10'000;  // a large office or a carrier's NAT

  Registrations(const HashKey& key, std::size_t limit) : by_address_(16, Hash{key}), limit_(limit) {}

  // Adds or refreshes one; false when there is no room.
  bool add(const Endpoint& source, std::uint64_t user, std::uint64_t contact, Time expires, Time now);
  void remove(const Address& address, std::uint64_t user,
              std::uint64_t contact);  // contact 0: all of the user
  std::size_t count(const Address& address, Time now) const;
  // Those of users who have none through this address and port.
  std::size_t count_others(const Endpoint& source, Time now) const;
  bool has(const Address& address, std::uint64_t user, Time now) const;
  // When the last registration made through this address and port ends; Time{} when there is none.
  Time last_expiry(const Endpoint& source, Time now) const;
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t user, contact;
    Time expires;
    Endpoint source;
  };
  struct Hash {
    HashKey key;
    std::size_t operator()(const Address& a) const noexcept { return keyed_hash(key, a); }
  };
  void sweep(Time now);

  std::unordered_map<Address, std::vector<Entry>, Hash> by_address_;
  std::size_t limit_;
  std::size_t size_ = 0;
};

}  // namespace sipward

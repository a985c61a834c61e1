#pragma once

#include <cstdint>

#include "ban.hpp"
#include "sipward/net.hpp"

namespace sipward::guardian {

// What identity and flow bans cover: IPv4 the address, IPv6 its /64 (source_of).
Cidr host_prefix(const Address& address);

// The number that a ban is found by: a keyed hash of its target, never 0. Two targets share one about as
// often as two random 64-bit numbers do, so it stands for the target.
class BanHash {
 public:
  explicit BanHash(const HashKey& key) : key_(key) {}

  std::uint64_t of(Scope scope, const Cidr& prefix, Port port, std::uint64_t user) const;
  std::uint64_t prefix(const Address& masked, unsigned bits) const;
  std::uint64_t flow(const Endpoint& endpoint) const;
  // `host` as source_of() gives it, `user` the keyed hash of the user.
  std::uint64_t identity(const Address& host, std::uint64_t user) const;

 private:
  std::uint64_t narrow(const Address& address, std::uint64_t what) const;
  HashKey key_;
};

}  // namespace sipward::guardian

#include "ban_hash.hpp"

#include "bounded_table.hpp"

namespace sipward::guardian {
namespace {

constexpr std::uint64_t kFlowBit = std::uint64_t{1} << 63;

constexpr std::uint64_t nonzero(std::uint64_t hash) {
  return hash == 0 ? 1 : hash;
}

}  // namespace

Cidr host_prefix(const Address& address) {
  return {source_of(address), address.is_v4() ? 32U : 64U};
}

std::uint64_t BanHash::prefix(const Address& masked, unsigned bits) const {
  // ::ffff:0:0/96 and 0.0.0.0/0 have the same octets; the family keeps them apart.
  return nonzero(mix(keyed_hash(key_, masked), bits | (masked.is_v4() ? 0x100U : 0U)));
}

std::uint64_t BanHash::narrow(const Address& address, std::uint64_t what) const {
  return nonzero(mix(keyed_hash(key_, address), what));
}

std::uint64_t BanHash::flow(const Endpoint& endpoint) const {
  return narrow(endpoint.address, kFlowBit | endpoint.port);
}

// Set apart from prefixes by a bit that no prefix has.
std::uint64_t BanHash::identity(const Address& host, std::uint64_t user) const {
  return narrow(host, (user | kFlowBit >> 1) & ~kFlowBit);
}

std::uint64_t BanHash::of(Scope scope, const Cidr& target, Port port, std::uint64_t user) const {
  switch (scope) {
    case Scope::flow:
      return flow({target.base, port});
    case Scope::identity:
      return identity(target.base, user);
    default:
      return prefix(target.base, target.bits);
  }
}

}  // namespace sipward::guardian

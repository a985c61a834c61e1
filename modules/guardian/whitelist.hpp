#pragma once

#include <span>
#include <utility>
#include <vector>

#include "sipward/net.hpp"

namespace sipward::guardian {

// A set of networks, asked for every packet: sorted ranges without overlap, one binary search, no allocation.
// Immutable, so safe to share between threads.
class Whitelist {
 public:
  Whitelist() = default;
  explicit Whitelist(std::span<const Cidr> networks);

  bool empty() const { return v4_.empty() && v6_.empty(); }
  bool contains(const Address& address) const;
  // Whether any address of the prefix is in the set.
  bool touches(const Cidr& prefix) const;

 private:
  using Range = std::pair<Address, Address>;  // first and last, inclusive
  static bool overlaps(const std::vector<Range>& ranges, const Address& first, const Address& last);
  static Range range_of(const Cidr& network);

  std::vector<Range> v4_, v6_;
};

}  // namespace sipward::guardian

#include "whitelist.hpp"

#include <algorithm>

namespace sipward::guardian {
namespace {

void merge(std::vector<std::pair<Address, Address>>& ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::size_t kept = 0;
  for (const auto& range : ranges) {
    if (kept > 0 && range.first <= ranges[kept - 1].second) {
      ranges[kept - 1].second = std::max(ranges[kept - 1].second, range.second);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
}

}  // namespace

Whitelist::Range Whitelist::range_of(const Cidr& network) {
  auto octets = network.base.octets();
  const unsigned from = network.bits + (network.base.is_v4() ? 96 : 0);
  for (unsigned bit = from; bit < 128; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80U >> (bit % 8)));
  }
  if (!network.base.is_v4()) return {network.base, Address::v6(octets)};
  return {network.base, Address::v4(static_cast<std::uint32_t>(octets[12]) << 24 | octets[13] << 16 |
                                    octets[14] << 8 | octets[15])};
}

Whitelist::Whitelist(std::span<const Cidr> networks) {
  for (const auto& network : networks) {
    (network.base.is_v4() ? v4_ : v6_).push_back(range_of(network));
  }
  merge(v4_);
  merge(v6_);
}

bool Whitelist::overlaps(const std::vector<Range>& ranges, const Address& first, const Address& last) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), last,
                                      [](const Address& a, const Range& r) { return a < r.first; });
  return after != ranges.begin() && std::prev(after)->second >= first;
}

bool Whitelist::contains(const Address& address) const {
  return overlaps(address.is_v4() ? v4_ : v6_, address, address);
}

bool Whitelist::touches(const Cidr& prefix) const {
  const auto [first, last] = range_of(prefix);
  return overlaps(prefix.base.is_v4() ? v4_ : v6_, first, last);
}

}  // namespace sipward::guardian

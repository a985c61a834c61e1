#include "sources/regulars.hpp"

#include <algorithm>

namespace sipward {

std::uint64_t Regulars::key_of(const Address& address) const {
  const auto key = keyed_hash(key_, source_of(address));
  return key == 0 ? 1 : key;
}

void Regulars::note(const Address& address, std::size_t live, Time now) {
  const auto most = static_cast<std::uint32_t>(std::min<std::size_t>(live, kMost));
  if (most != 0) restore({source_of(address), most, now + kKept}, now);
}

void Regulars::restore(const Regular& regular, Time now) {
  if (regular.expires <= now || regular.registrations == 0) return;
  bool made = false;
  auto& entry = table_.insert(key_of(regular.address), now, made);
  if (!made && regular.registrations < entry.most) return;
  entry.address = source_of(regular.address);
  entry.most = std::min(regular.registrations, kMost);
  entry.expires = std::min<Time>(regular.expires, now + kKept);
}

std::size_t Regulars::count(const Address& address, Time now) const {
  const auto* entry = table_.find(key_of(address), now);
  return entry ? entry->most : 0;
}

std::vector<Regulars::Regular> Regulars::list(Time now) const {
  std::vector<Regular> all;
  table_.for_each(now, [&](const Entry& e) { all.push_back({e.address, e.most, e.expires}); });
  return all;
}

}  // namespace sipward

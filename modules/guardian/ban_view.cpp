#include "ban_view.hpp"

#include <algorithm>
#include <span>

#include "bounded_table.hpp"

namespace sipward::guardian {
namespace {

constexpr std::size_t kFirstPlaces = 1024;
constexpr std::uint64_t kFlowBit = std::uint64_t{1} << 63;

void rebuild(std::span<const std::uint32_t> lengths, std::vector<std::uint8_t>& in_use) {
  in_use.clear();
  for (std::size_t bits = lengths.size(); bits-- > 0;) {
    if (lengths[bits] != 0) in_use.push_back(static_cast<std::uint8_t>(bits));
  }
}

}  // namespace

Cidr host_prefix(const Address& address) {
  return {source_of(address), address.is_v4() ? 32U : 64U};
}

std::uint64_t BanView::hash_prefix(const Address& masked, unsigned bits) const {
  // ::ffff:0:0/96 and 0.0.0.0/0 have the same octets; the family keeps them apart.
  const std::uint64_t hash = mix(keyed_hash(key_, masked), bits | (masked.is_v4() ? 0x100U : 0U));
  return hash == 0 ? 1 : hash;
}

std::uint64_t BanView::hash_narrow(const Address& address, std::uint64_t what) const {
  const std::uint64_t hash = mix(keyed_hash(key_, address), what);
  return hash == 0 ? 1 : hash;
}

std::uint64_t BanView::hash_of(const Ban& ban) const {
  switch (ban.scope) {
    case Scope::flow:
      return hash_narrow(ban.prefix.base, kFlowBit | ban.port);
    case Scope::identity:
      return hash_narrow(ban.prefix.base, ban.user & ~kFlowBit);
    default:
      return hash_prefix(ban.prefix.base, ban.prefix.bits);
  }
}

const Ban* BanView::lookup(std::uint64_t hash, Time now) const {
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t i = home(hash); tags_[i] != 0; i = (i + 1) & (tags_.size() - 1)) {
    if (tags_[i] != tag || places_[i].hash != hash) continue;
    return places_[i].expires > now ? places_[i].ban.get() : nullptr;
  }
  return nullptr;
}

const Ban* BanView::find(const Address& address, Time now) const {
  if (used_ == 0) return nullptr;
  for (const unsigned bits : address.is_v4() ? v4_in_use_ : v6_in_use_) {
    if (const Ban* ban = lookup(hash_prefix(address.masked(bits), bits), now)) return ban;
  }
  return nullptr;
}

const Ban* BanView::find_flow(const Endpoint& flow, Time now) const {
  if (narrow_ == 0) return nullptr;
  return lookup(hash_narrow(flow.address, kFlowBit | flow.port), now);
}

const Ban* BanView::find_identity(const Address& address, std::uint64_t user, Time now) const {
  if (narrow_ == 0) return nullptr;
  return lookup(hash_narrow(address, user & ~kFlowBit), now);
}

void BanView::count(const Ban& ban, int by) {
  if (ban.scope == Scope::flow || ban.scope == Scope::identity) {
    narrow_ += static_cast<std::size_t>(by);
    return;
  }
  const bool v4 = ban.prefix.base.is_v4();
  std::span<std::uint32_t> lengths;
  if (v4)
    lengths = v4_lengths_;
  else
    lengths = v6_lengths_;
  lengths[ban.prefix.bits] += static_cast<std::uint32_t>(by);
  rebuild(lengths, v4 ? v4_in_use_ : v6_in_use_);
}

void BanView::place(Place&& entry) {
  std::size_t i = home(entry.hash);
  while (places_[i].hash != 0) i = (i + 1) & (places_.size() - 1);
  tags_[i] = tag_of(entry.hash);
  places_[i] = std::move(entry);
}

void BanView::grow() {
  std::vector<Place> old(places_.empty() ? kFirstPlaces : places_.size() * 2);
  old.swap(places_);
  tags_.assign(places_.size(), 0);
  for (auto& entry : old) {
    if (entry.hash != 0) place(std::move(entry));
  }
}

void BanView::insert(BanPtr ban) {
  erase(*ban);
  if ((used_ + 1) * 2 > places_.size()) grow();
  count(*ban, 1);
  ++used_;
  const std::uint64_t hash = hash_of(*ban);
  const Time expires = ban->expires;
  place({hash, expires, std::move(ban)});
}

void BanView::erase(const Ban& ban) {
  if (used_ == 0) return;
  const std::uint64_t hash = hash_of(ban);
  for (std::size_t i = home(hash); places_[i].hash != 0; i = (i + 1) & (places_.size() - 1)) {
    if (places_[i].hash == hash) return remove_at(i);
  }
}

// Closes the gap, so that probing may always stop at a free place.
void BanView::remove_at(std::size_t gap) {
  const BanPtr gone = std::move(places_[gap].ban);
  const std::size_t mask = places_.size() - 1;
  for (std::size_t i = (gap + 1) & mask; places_[i].hash != 0; i = (i + 1) & mask) {
    const std::size_t from_home = (i - home(places_[i].hash)) & mask;
    if (from_home < ((i - gap) & mask)) continue;
    places_[gap] = std::move(places_[i]);
    tags_[gap] = tags_[i];
    gap = i;
  }
  places_[gap] = {};
  tags_[gap] = 0;
  --used_;
  count(*gone, -1);
}

template <class Condition>
void BanView::remove_if(Condition&& condition) {
  for (std::size_t i = 0; i < places_.size();) {
    if (places_[i].hash != 0 && condition(places_[i])) {
      remove_at(i);  // what moved into the gap is looked at next
    } else {
      ++i;
    }
  }
}

void BanView::expire(Time now) {
  remove_if([&](const Place& place) { return place.expires <= now; });
}

void BanView::forget(const Cidr& prefix) {
  const auto inside = [&](const Place& place) {
    const Cidr& target = place.ban->prefix;
    return target.bits >= prefix.bits && prefix.contains(target.base);
  };
  // Twice, because closing a gap at the end may move what stood at the front.
  remove_if(inside);
  remove_if(inside);
}

}  // namespace sipward::guardian

#include "ban_view.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sipward::guardian {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kWorthIt = 512;  // groups of the index; less stays in the processor's cache by itself

}  // namespace

// What the ban in that place means for whoever has the hash.
BanBite BanView::judge(std::uint64_t hash, BanSlot slot, Time now) {
  if (slot != kNoBan) {
    auto& record = table_->records()[slot];
    const bool before = shared(record.hash).load(std::memory_order_acquire) == hash;
    const std::uint64_t bite = shared(record.bite).load(std::memory_order_acquire);
    const bool after = shared(record.hash).load(std::memory_order_relaxed) == hash;
    if (before && after && BanRecord::expires_of(bite) > now) return {&record.hits, bite};
  }
  if (local_.size() != 0 && local_.find(hash, now)) return {nullptr, BanRecord::kAutomatic};
  return {};
}

BanBite BanView::lookup(std::uint64_t hash, Time now) {
  return judge(hash, index_.get()->find(hash, table_->records()), now);
}

BanBite BanView::lookup_host(Remembered& known, Time now) {
  const auto& records = table_->records();
  const std::uint64_t as_of = table_->changes();
  if (known.as_of != as_of) {
    const bool right = known.slot != kNoBan &&
                       shared(records[known.slot].hash).load(std::memory_order_acquire) == known.hash;
    if (!right) known.slot = index_.get()->find(known.hash, records);
    known.as_of = as_of;
  }
  return judge(known.hash, known.slot, now);
}

BanView::Remembered& BanView::remember(const Address& address) {
  std::array<std::uint64_t, 2> octets;
  static_assert(sizeof octets == sizeof address.octets());
  std::memcpy(octets.data(), address.octets().data(), sizeof octets);
  auto& known = remembered_[((octets[0] ^ octets[1]) * 0x9E3779B97F4A7C15ULL) >> 57];
  if (known.hash == 0 || known.address[0] != octets[0] || known.address[1] != octets[1]) {
    const bool v4 = address.is_v4();
    known = {octets, table_->hash().prefix(source_of(address), v4 ? 32 : 64), 0, kNoBan, v4};
  }
  return known;
}

void BanView::foresee(std::span<const Address> addresses) {
  const auto& index = *index_.get();
  if (index.groups() < kWorthIt) return;
  std::array<Remembered*, kBatch> known;
  std::array<std::uint32_t*, kBatch> places;
  const std::uint64_t as_of = table_->changes();
  const std::size_t count = std::min(addresses.size(), kBatch);
  for (std::size_t i = 0; i < count; ++i) {
    known[i] = &remember(addresses[i]);
    index.foresee_tags(known[i]->hash);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto foreseen = index.foresee_place(known[i]->hash);
    places[i] = foreseen.place;
    known[i]->as_of = foreseen.none ? as_of : 0;
    known[i]->slot = kNoBan;
  }
  for (std::size_t i = 0; i < count; ++i)
    if (places[i]) known[i]->slot = BanIndex::foresee_record(places[i], table_->records());
}

BanBite BanView::find(const Address& address, Time now) {
  auto& known = remember(address);
  const unsigned host = known.v4 ? 32 : 64;
  const auto ask = [&](std::uint64_t used, unsigned first) -> BanBite {
    while (used != 0) {
      const auto bit = 63 - static_cast<unsigned>(std::countl_zero(used));
      const unsigned bits = first + bit;
      const auto found = bits == host ? lookup_host(known, now)
                                      : lookup(table_->hash().prefix(address.masked(bits), bits), now);
      if (found) return found;
      used &= ~(std::uint64_t{1} << bit);
    }
    return {};
  };
  const bool local = local_.size() != 0;
  if (local) local_.sweep(1, now);
  const auto& lengths = table_->lengths();
  if (known.v4) return ask(lengths.v4.load(std::memory_order_acquire) | (local ? local_v4_ : 0), 0);
  for (unsigned part = 3; part-- > 0;) {
    const std::uint64_t used = lengths.v6[part].load(std::memory_order_acquire);
    if (const auto found = ask(used | (local ? local_v6_[part] : 0), part * 64)) return found;
  }
  return {};
}

BanBite BanView::find_flow(const Endpoint& flow, Time now) {
  return has_narrow() ? lookup(table_->hash().flow(flow), now) : BanBite();
}

BanBite BanView::find_identity(const Address& host, std::uint64_t user, Time now) {
  return has_narrow() ? lookup(table_->hash().identity(host, user), now) : BanBite();
}

void BanView::ban_here(const Ban& ban, Time until, Time now) {
  if (local_.size() == 0) local_v4_ = 0, local_v6_ = {};
  if (covers_whole_addresses(ban)) {
    const unsigned bits = ban.prefix.bits;
    (ban.prefix.base.is_v4() ? local_v4_ : local_v6_.at(bits / 64)) |= std::uint64_t{1} << bits % 64;
  }
  const std::uint64_t hash = table_->hash().of(ban.scope, ban.prefix, ban.port, ban.user);
  local_.at(hash, now) = {until, ban.prefix.base, static_cast<std::uint8_t>(ban.prefix.bits)};
}

void BanView::forget(const Cidr& prefix) {
  local_.erase_if(
      [&](const Local& local) { return local.bits >= prefix.bits && prefix.contains(local.base); });
}

}  // namespace sipward::guardian

#include "ban_table.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace sipward::guardian {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::size_t kHuge = std::size_t{8} << 20;

std::uint64_t ms(WallTime time) {
  const auto count = duration_cast<milliseconds>(time.time_since_epoch()).count();
  return std::min(static_cast<std::uint64_t>(std::max<milliseconds::rep>(count, 0)), BanRecord::kLatest);
}

WallTime wall(std::uint64_t ms) {
  return WallTime(milliseconds(ms));
}

bool narrow(Scope scope) {
  return scope == Scope::flow || scope == Scope::identity;
}

Address first_octets(std::uint64_t high) {
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t i = 0; i < 8; ++i) octets[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
  return Address::v6(octets);
}

}  // namespace

BanTable::BanTable(const HashKey& key, std::size_t bans, std::size_t memory)
    : hash_(key),
      most_(bans),
      memory_(memory),
      records_(bans + kWaiting),
      order_(records_),
      ends_(records_, bans + kWaiting),
      index_(std::make_shared<BanIndex>(kFirstGroups)),
      published_(index_) {
  // Random look-ups in small pages would miss the processor's table of pages as well.
  if (records_.octets() >= kHuge) madvise(&records_[0], records_.octets(), MADV_HUGEPAGE);
}

bool BanTable::is_narrow(const BanRecord& record) {
  return guardian::narrow(record.facts().scope);
}

BanSlot BanTable::take_place() {
  if (free_ == kNoBan && touched_ == records_.size()) {
    const BanSlot waiting = first_ended_;  // nobody hears of it
    first_ended_ = records_[waiting].place;
    --ended_;
    give_back(waiting);
  }
  if (free_ == kNoBan) return static_cast<BanSlot>(touched_++);
  return std::exchange(free_, records_[free_].place);
}

void BanTable::give_back(BanSlot slot) {
  forget(slot);
  narrow_.erase(slot);
  records_[slot].place = free_;
  free_ = slot;
}

void BanTable::forget(BanSlot slot) {
  const auto& record = records_[slot];
  texts_.done(record.reason);
  texts_.done(record.source);
  if (record.facts().told) evidence_.erase(record.id);
}

void BanTable::count(const BanRecord& record, int by) {
  const auto facts = record.facts();
  const auto change = [by](auto& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::size_t>(by),
                  std::memory_order_release);
  };
  change(count_);
  if (guardian::narrow(facts.scope)) return change(narrow_count_);
  auto& bans = facts.v4 ? v4_.at(facts.bits) : v6_.at(facts.bits);
  bans += static_cast<std::uint32_t>(by);
  auto& mask = facts.v4 ? lengths_.v4 : lengths_.v6.at(facts.bits / 64);
  const std::uint64_t bit = std::uint64_t{1} << facts.bits % 64;
  const std::uint64_t before = mask.load(std::memory_order_relaxed);
  mask.store(bans != 0 ? before | bit : before & ~bit, std::memory_order_release);
}

// The places in the orders of ids and ends, and all that no worker reads by itself.
void BanTable::link(BanSlot slot, Ban&& ban) {
  auto& r = records_[slot];
  const bool told = !ban.signals.empty() || !ban.excerpt.empty();
  r.id = ban.id;
  r.base = ban.prefix.base.is_v4() ? ban.prefix.base.v4_value() : ban.prefix.base.high();
  r.set({ban.scope, ban.evidence, ban.proof, ban.prefix.base.is_v4(), told,
         static_cast<std::uint8_t>(ban.prefix.bits)},
        ms(ban.banned_at));
  r.expires_at = ms(ban.expires_at);
  r.reason = texts_.use(ban.reason);
  r.source = texts_.use(ban.source);
  shared(r.hits).store(ban.hits, std::memory_order_relaxed);
  const auto end = std::min(static_cast<std::uint64_t>(ban.expires.time_since_epoch().count()),
                            ~std::uint64_t{0} >> BanRecord::kBiteBits);  // in 146 years
  shared(r.bite).store(end << BanRecord::kBiteBits | (ban.automatic ? BanRecord::kAutomatic : 0) |
                           (ban.scope == Scope::network ? BanRecord::kWide : 0),
                       std::memory_order_release);
  order_.append(slot);
  ends_.push(slot);
  if (guardian::narrow(ban.scope)) {
    const NarrowKey key{ban.prefix.base, ban.scope, ban.port, ban.user, slot};
    narrow_keys_.insert(key);
    narrow_.insert_or_assign(slot, Narrow{key, std::move(ban.user_text)});
  }
  if (told) evidence_.put(ban.id, {std::move(ban.signals), std::move(ban.excerpt)});
  const std::size_t others = octets() - evidence_.octets();
  evidence_.keep_within(std::max(memory_ - std::min(memory_, others), memory_ / 12));
}

std::size_t BanTable::octets() const {
  constexpr std::size_t kNarrow =
      2 * sizeof(NarrowKey) + 160;  // with nodes of two containers and a short name
  return touched_ * (sizeof(BanRecord) + sizeof(BanSlot)) + order_.octets() + index_->octets() +
         narrow_.size() * kNarrow + evidence_.octets();
}

void BanTable::unlink(BanSlot slot) {
  order_.erase(slot);
  ends_.erase(slot);
  if (const auto found = narrow_.find(slot); found != narrow_.end()) narrow_keys_.erase(found->second.key);
}

BanSlot BanTable::put(Ban&& ban) {
  const std::uint64_t hash = hash_.of(ban.scope, ban.prefix, ban.port, ban.user);
  if (const BanSlot old = find(hash); old != kNoBan) {
    unlink(old);
    forget(old);
    link(old, std::move(ban));  // workers see a ban of the target all the while
    return old;
  }
  if (index_->full(size()) && index_->groups() < most_ / BanIndex::kFill + 1) grow();
  const BanSlot slot = take_place();
  link(slot, std::move(ban));
  shared(records_[slot].hash).store(hash, std::memory_order_release);
  index_->insert(hash, slot);
  count(records_[slot], 1);
  changes_.fetch_add(1, std::memory_order_release);
  return slot;
}

void BanTable::grow() {
  const auto next = std::make_shared<BanIndex>(std::min(index_->groups() * 2, most_ / BanIndex::kFill + 1));
  order_.visit(0, [&](BanSlot slot) {
    next->insert(records_[slot].hash, slot);
    return true;
  });
  index_ = next;
  published_.publish(next);
}

void BanTable::erase(BanSlot slot) {
  auto& record = records_[slot];
  count(record, -1);
  index_->erase(record.hash, slot);
  shared(record.hash).store(0, std::memory_order_release);
  unlink(slot);
  give_back(slot);
}

void BanTable::end(BanSlot slot) {
  auto& record = records_[slot];
  count(record, -1);
  index_->erase(record.hash, slot);
  shared(record.hash).store(0, std::memory_order_release);
  unlink(slot);
  record.place = kNoBan;
  if (ended_++ == 0)
    first_ended_ = slot;
  else
    records_[last_ended_].place = slot;
  last_ended_ = slot;
}

BanPtr BanTable::next_ended() {
  if (ended_ == 0) return nullptr;
  const BanSlot slot = std::exchange(first_ended_, records_[first_ended_].place);
  --ended_;
  auto ban = read(slot);
  give_back(slot);
  return ban;
}

Cidr BanTable::prefix_of(BanSlot slot) const {
  const auto& r = records_[slot];
  const auto facts = r.facts();
  if (facts.v4) return {Address::v4(static_cast<std::uint32_t>(r.base)), facts.bits};
  if (facts.bits > 64) return {narrow_.at(slot).key.base, facts.bits};
  return {first_octets(r.base), facts.bits};
}

bool BanTable::inside(const Cidr& prefix, BanSlot slot) const {
  const auto facts = records_[slot].facts();
  if (facts.v4 != prefix.base.is_v4() || facts.bits < prefix.bits) return false;
  return prefix.contains(prefix_of(slot).base);
}

BanPtr BanTable::read(BanSlot slot) const {
  const auto& r = records_[slot];
  const auto facts = r.facts();
  auto ban = std::make_shared<Ban>();
  ban->id = r.id;
  ban->scope = facts.scope;
  ban->prefix = prefix_of(slot);
  ban->reason = texts_[r.reason];
  ban->source = texts_[r.source];
  ban->automatic = r.automatic();
  ban->evidence = facts.evidence;
  ban->proof = facts.proof;
  ban->banned_at = wall(r.banned_at & BanRecord::kLatest);
  ban->expires_at = wall(r.expires_at);
  ban->expires = r.expires();
  ban->hits = shared(records_[slot].hits).load(std::memory_order_relaxed);
  if (guardian::narrow(facts.scope)) {
    const auto& found = narrow_.at(slot);
    ban->port = found.key.port;
    ban->user = found.key.user;
    ban->user_text = found.user_text;
  }
  if (const auto* told = facts.told ? evidence_.find(r.id) : nullptr) {
    ban->signals = told->signals;
    ban->excerpt = told->excerpt;
  }
  return ban;
}

}  // namespace sipward::guardian

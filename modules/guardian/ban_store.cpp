#include "ban_store.hpp"

#include <algorithm>
#include <utility>

#include "sipward/config/scalars.hpp"

namespace sipward::guardian {
namespace {

using std::chrono::milliseconds;

// The highest address of the prefix, as octets compare.
Address last_of(const Cidr& prefix) {
  auto octets = prefix.base.octets();
  const unsigned bits = prefix.bits + (prefix.base.is_v4() ? 96 : 0);
  for (unsigned bit = bits; bit < 128; ++bit) octets[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
  return Address::v6(octets);
}

bool inside(const Cidr& outer, const Cidr& inner) {
  return inner.base.is_v4() == outer.base.is_v4() && inner.bits >= outer.bits && outer.contains(inner.base);
}

// time * factor^repeats without overflow, at most `most` (but never less than time itself).
milliseconds escalate(milliseconds time, unsigned factor, unsigned repeats, milliseconds most) {
  const milliseconds limit = std::max(most, time);
  for (unsigned i = 0; i < repeats && time < limit; ++i) {
    time = time > limit / factor ? limit : time * factor;
  }
  return time;
}

}  // namespace

BanStore::BanStore(const Clock& clock, const Limits& limits, const HashKey& key)
    : clock_(clock), limits_(limits), table_(std::make_shared<BanTable>(key, limits.bans)) {}

void BanStore::take_out(BanSlot slot, std::vector<BanPtr>& out) const {
  out.push_back(table_->read(slot));
  table_->erase(slot);
}

bool BanStore::expire(State& state, Time now, std::size_t most) const {
  for (;; --most) {
    const BanSlot slot = table_->first_to_end();
    if (slot == kNoBan || live(slot, now)) return true;
    if (most == 0) return false;
    if (state.collect_ended)
      table_->end(slot);
    else
      table_->erase(slot);
  }
}

void BanStore::expire_all() const {
  const Time now = clock_.now();
  while (!state_.with([&](State& state) { return expire(state, now, kChunk); })) {
  }
}

std::vector<BanPtr> BanStore::take_ended(std::size_t most) {
  state_.with([](State& state) { state.collect_ended = true; });
  expire_all();
  return state_.with([&](State&) {
    std::vector<BanPtr> out;
    while (out.size() < most) {
      auto ban = table_->next_ended();
      if (!ban) break;
      out.push_back(std::move(ban));
    }
    return out;
  });
}

BanSlot BanStore::oldest_automatic(std::uint64_t& from, bool narrow) const {
  BanSlot oldest = kNoBan;
  table_->visit(from, [&](BanSlot slot) {
    const auto& record = table_->record(slot);
    if (record.automatic() && (!narrow || BanTable::is_narrow(record))) return oldest = slot, false;
    from = record.id;
    return true;
  });
  return oldest;
}

BanStore::Added BanStore::insert(State& state, std::unique_ptr<Ban> ban) const {
  const bool narrow = !covers_whole_addresses(*ban);
  if (ban->scope != Scope::flow && !ban->prefix.base.is_v4() && ban->prefix.bits > 64)
    ban->prefix = host_prefix(ban->prefix.base);
  Added added;
  const BanSlot old = table_->find(table_->hash().of(ban->scope, ban->prefix, ban->port, ban->user));
  if (old == kNoBan) {
    const auto make_room = [&](bool full, std::uint64_t& from, bool of_narrow) {
      const BanSlot oldest = full ? oldest_automatic(from, of_narrow) : kNoBan;
      if (oldest != kNoBan) take_out(oldest, added.out);
      return !full || oldest != kNoBan;
    };
    if (narrow && !make_room(table_->narrow() >= limits_.narrow, state.no_narrow, true)) return added;
    if (!make_room(table_->size() >= limits_.bans, state.no_automatic, false)) return added;
  }
  ban->id = ++state.last_id;
  added.ban = table_->read(table_->put(std::move(*ban)));
  return added;
}

BanStore::Added BanStore::restore(std::unique_ptr<Ban> ban) {
  const Time now = clock_.now();
  const WallTime wall = clock_.wall();
  // A clock that was wrong before, or is now, must not make the ban longer than it ever was.
  const auto left = std::min<WallTime::duration>(
      {ban->expires_at - wall, ban->expires_at - ban->banned_at, config::kMaxDuration});
  if (left <= WallTime::duration::zero()) return {};
  ban->expires = now + std::chrono::duration_cast<Duration>(left);
  ban->expires_at = wall + left;
  for (auto& signal : ban->signals) {
    const WallTime at{std::chrono::duration_cast<WallTime::duration>(signal.at.time_since_epoch())};
    signal.at = now - std::chrono::duration_cast<Duration>(wall - at);
  }
  return state_.with([&](State& state) {
    expire(state, now, kChunk);
    const BanSlot old = table_->find(table_->hash().of(ban->scope, ban->prefix, ban->port, ban->user));
    if (old != kNoBan && table_->record(old).expires() >= ban->expires) return Added{};
    return insert(state, std::move(ban));
  });
}

void BanStore::restore(const RepeatRecord& record, std::uint64_t user) {
  const auto age = std::max(clock_.wall() - record.last, WallTime::duration::zero());
  if (age >= kRepeatMemory || record.bans == 0) return;
  const Time last = clock_.now() - std::chrono::duration_cast<Duration>(age);
  state_.with([&](State& state) {
    if (state.repeats.size() >= limits_.repeats) return;
    const Repeats kept{record.bans, last};
    const auto [found, fresh] =
        state.repeats.try_emplace({record.scope, record.prefix, record.port, user}, kept);
    if (!fresh && found->second.last < last) found->second = kept;
  });
}

bool BanStore::over_rate(State& state, Time now) const {
  while (!state.recent.empty() && now - state.recent.front() >= std::chrono::minutes(1))
    state.recent.pop_front();
  if (state.recent.size() >= limits_.per_minute) return true;
  state.recent.push_back(now);
  return false;
}

unsigned BanStore::repeat(State& state, const Key& key, Time now) const {
  auto found = state.repeats.find(key);
  if (found == state.repeats.end()) {
    if (state.repeats.size() >= limits_.repeats) {
      const auto oldest = std::min_element(state.repeats.begin(), state.repeats.end(),
                                           [](auto& a, auto& b) { return a.second.last < b.second.last; });
      state.repeats.erase(oldest);
    }
    found = state.repeats.emplace(key, Repeats{}).first;
  }
  auto& repeats = found->second;
  if (now - repeats.last >= kRepeatMemory) repeats.bans = 0;
  repeats.last = now;
  return repeats.bans++;
}

BanStore::Added BanStore::add(std::unique_ptr<Ban> ban, milliseconds time, unsigned factor,
                              milliseconds most) {
  const Time now = clock_.now();
  const WallTime wall = clock_.wall();
  return state_.with([&](State& state) {
    expire(state, now, kChunk);
    if (ban->automatic && over_rate(state, now)) return Added{};
    if (factor > 1 && ban->automatic) time = escalate(time, factor, repeat(state, key_of(*ban), now), most);
    ban->banned_at = wall;
    ban->expires = now + time;
    ban->expires_at = wall + time;
    return insert(state, std::move(ban));
  });
}

template <class Visit>
void BanStore::visit_parts(std::uint64_t after, Visit&& visit) const {
  const Time now = clock_.now();
  for (bool more = true; more;) {
    state_.with([&](State&) {
      std::size_t seen = 0;
      more = false;
      table_->visit(after, [&](BanSlot slot) {
        if (seen++ == kChunk) return more = true, false;
        after = table_->record(slot).id;
        if (live(slot, now)) visit(slot);
        return true;
      });
    });
  }
}

std::vector<BanPtr> BanStore::remove(const Cidr& prefix) {
  expire_all();
  std::vector<BanPtr> out;
  const bool one = prefix.bits >= host_prefix(prefix.base).bits;
  state_.with([&](State& state) {
    std::vector<BanSlot> found;
    const BanSlot exact = table_->find(table_->hash().prefix(prefix.base, prefix.bits));
    if (exact != kNoBan) found.push_back(exact);
    if (one) {
      table_->visit_narrow(prefix.base, last_of(prefix), [&](Scope, BanSlot slot) {
        if (table_->inside(prefix, slot)) found.push_back(slot);
      });
    }
    for (const BanSlot slot : found) take_out(slot, out);
    std::erase_if(state.soft_blocks, [&](const auto& record) { return prefix.contains(record.address); });
    std::erase_if(state.repeats, [&](const auto& entry) { return inside(prefix, std::get<1>(entry.first)); });
  });
  if (one) return out;
  std::vector<std::uint64_t> ids;
  visit_parts(0, [&](BanSlot slot) {
    if (table_->inside(prefix, slot)) ids.push_back(table_->record(slot).id);
  });
  for (std::size_t i = 0; i < ids.size();) {
    state_.with([&](State&) {
      for (const std::size_t end = std::min(i + kChunk, ids.size()); i < end; ++i) {
        const BanSlot slot = table_->at(ids[i]);
        if (slot != kNoBan) take_out(slot, out);
      }
    });
  }
  return out;
}

std::vector<BanSlot> BanStore::covering_slots(const Address& address, Time now) const {
  std::vector<BanSlot> out;
  const auto add = [&](BanSlot slot) {
    if (slot != kNoBan && live(slot, now)) out.push_back(slot);
  };
  const unsigned whole = address.is_v4() ? 32 : 128;
  for (unsigned bits = 0; bits <= whole; ++bits)
    add(table_->find(table_->hash().prefix(address.masked(bits), bits)));
  const Address host = source_of(address);
  const auto narrow = [&](const Address& base, Scope wanted) {
    table_->visit_narrow(base, base, [&](Scope scope, BanSlot slot) {
      if (scope == wanted) add(slot);
    });
  };
  narrow(address, Scope::flow);
  narrow(host, Scope::identity);
  return out;
}

std::vector<BanPtr> BanStore::covering(const Address& address) const {
  auto bans = state_.with([&](State&) {
    std::vector<BanPtr> out;
    for (const BanSlot slot : covering_slots(address, clock_.now())) out.push_back(table_->read(slot));
    return out;
  });
  std::sort(bans.begin(), bans.end(), [](const BanPtr& a, const BanPtr& b) { return a->id < b->id; });
  return bans;
}

BanPtr BanStore::find(const Cidr& prefix) const {
  return state_.with([&](State&) -> BanPtr {
    const BanSlot slot = table_->find(table_->hash().prefix(prefix.base, prefix.bits));
    return slot == kNoBan || !live(slot, clock_.now()) ? nullptr : table_->read(slot);
  });
}

std::vector<BanPtr> BanStore::some(std::uint64_t after, std::size_t most) const {
  const Time now = clock_.now();
  std::vector<BanPtr> out;
  while (out.size() < most) {
    const std::size_t before = out.size();
    const std::size_t part = std::min(most, before + kChunk);
    state_.with([&](State&) {
      table_->visit(after, [&](BanSlot slot) {
        if (out.size() == part) return false;
        after = table_->record(slot).id;
        if (live(slot, now)) out.push_back(table_->read(slot));
        return true;
      });
    });
    if (out.size() == before) break;
  }
  return out;
}

void BanStore::for_each(std::uint64_t after, const std::function<void(const BanPtr&)>& visit) const {
  for (auto part = some(after, kChunk); !part.empty(); part = some(part.back()->id, kChunk)) {
    for (const auto& ban : part) visit(ban);
  }
}

std::vector<BanPtr> BanStore::hit_since(Hits& known) const {
  std::vector<BanPtr> out;
  Hits seen;
  visit_parts(0, [&](BanSlot slot) {
    const auto& record = table_->record(slot);
    const std::uint64_t hits = shared(table_->records()[slot].hits).load(std::memory_order_relaxed);
    if (hits == 0) return;
    seen.emplace(record.id, hits);
    const auto before = known.find(record.id);
    if (before == known.end() || before->second != hits) out.push_back(table_->read(slot));
  });
  known = std::move(seen);
  return out;
}

std::uint64_t BanStore::last_id() const {
  return state_.with([](State& state) { return state.last_id; });
}

BanStore::Page BanStore::list(const Query& query) const {
  Page page;
  const std::size_t limit = std::min(query.limit, kMost);
  const auto take = [&](const BanPtr& ban) {
    if (ban->id <= query.after || page.next != 0) return;
    if (page.bans.size() < limit) return page.bans.push_back(ban);
    page.next = page.bans.empty() ? query.after : page.bans.back()->id;
  };
  const auto fits = [&](const BanPtr& ban) {
    if (!query.reason.empty() && ban->reason != query.reason) return;
    ++page.count;
    take(ban);
  };
  if (query.address) {
    for (const auto& ban : covering(*query.address)) fits(ban);
  } else if (!query.reason.empty()) {
    for_each(0, fits);
  } else {
    for (const auto& ban : some(query.after, limit + 1)) take(ban);
    page.count = size();
  }
  return page;
}

std::vector<BanPtr> BanStore::all() const {
  std::vector<BanPtr> out;
  for_each(0, [&](const BanPtr& ban) { out.push_back(ban); });
  return out;
}

std::size_t BanStore::size() const {
  expire_all();
  return state_.with([&](State&) { return table_->size(); });
}

void BanStore::note(SoftBlockRecord record) {
  record.since = clock_.wall();
  record.until_wall = clock_.wall(record.until);
  state_.with([&](State& state) {
    std::erase_if(state.soft_blocks, [&](const auto& r) { return r.address == record.address; });
    if (state.soft_blocks.size() >= limits_.soft_blocks) state.soft_blocks.pop_front();
    state.soft_blocks.push_back(std::move(record));
  });
}

std::optional<SoftBlockRecord> BanStore::soft_block(const Address& address) const {
  return state_.with([&](State& state) -> std::optional<SoftBlockRecord> {
    for (const auto& record : state.soft_blocks) {
      if (record.address == source_of(address) && record.until > clock_.now()) return record;
    }
    return std::nullopt;
  });
}

std::vector<SoftBlockRecord> BanStore::soft_blocks() const {
  return state_.with([&](State& state) {
    std::erase_if(state.soft_blocks, [&](const auto& record) { return record.until <= clock_.now(); });
    return std::vector<SoftBlockRecord>(state.soft_blocks.begin(), state.soft_blocks.end());
  });
}

}  // namespace sipward::guardian

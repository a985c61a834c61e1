#include "ban_store.hpp"

#include <algorithm>
#include <utility>

#include "ban_view.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::guardian {
namespace {

using std::chrono::milliseconds;

constexpr Scope kScopes[] = {Scope::address, Scope::network, Scope::flow, Scope::identity};

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

void BanStore::erase(State& state, std::uint64_t id) {
  const auto found = state.by_id.find(id);
  if (found == state.by_id.end()) return;
  state.by_key.erase(key_of(*found->second));
  state.by_expiry.erase({found->second->expires, id});
  state.automatic.erase(id);
  state.by_id.erase(found);
}

void BanStore::expire(State& state, Time now) {
  while (!state.by_expiry.empty() && state.by_expiry.begin()->first <= now) {
    const auto id = state.by_expiry.begin()->second;
    if (state.collect_ended) state.ended.push_back(state.by_id[id]);
    erase(state, id);
  }
}

std::vector<BanPtr> BanStore::take_ended(std::size_t most) {
  return state_.with([&](State& state) {
    state.collect_ended = true;
    expire(state, clock_.now());
    const auto end = state.ended.begin() + static_cast<std::ptrdiff_t>(std::min(most, state.ended.size()));
    std::vector<BanPtr> out{state.ended.begin(), end};
    state.ended.erase(state.ended.begin(), end);
    return out;
  });
}

BanStore::Added BanStore::insert(State& state, std::unique_ptr<Ban> ban) const {
  Added added;
  const Key key = key_of(*ban);
  if (const auto old = state.by_key.find(key); old != state.by_key.end()) erase(state, old->second);
  while (state.by_id.size() >= limits_.bans && !state.automatic.empty()) {
    const std::uint64_t oldest = *state.automatic.begin();
    added.out.push_back(state.by_id[oldest]);
    erase(state, oldest);
  }
  if (state.by_id.size() >= limits_.bans) return added;
  ban->id = ++state.last_id;
  added.ban = std::move(ban);
  state.by_id.emplace(added.ban->id, added.ban);
  state.by_key.emplace(key, added.ban->id);
  state.by_expiry.emplace(added.ban->expires, added.ban->id);
  if (added.ban->automatic) state.automatic.insert(added.ban->id);
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
    expire(state, now);
    const auto old = state.by_key.find(key_of(*ban));
    if (old != state.by_key.end() && state.by_id[old->second]->expires >= ban->expires) return Added{};
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
    expire(state, now);
    if (ban->automatic && over_rate(state, now)) return Added{};
    if (factor > 1 && ban->automatic) time = escalate(time, factor, repeat(state, key_of(*ban), now), most);
    ban->banned_at = wall;
    ban->expires = now + time;
    ban->expires_at = wall + time;
    return insert(state, std::move(ban));
  });
}

void BanStore::collect(const State& state, Scope scope, const Cidr& prefix, std::vector<BanPtr>& out) {
  const Address last = last_of(prefix);
  for (auto i = state.by_key.lower_bound({scope, {prefix.base, 0}, 0, 0}); i != state.by_key.end(); ++i) {
    const auto& [found, target, port, user] = i->first;
    if (found != scope || target.base > last) return;
    if (inside(prefix, target)) out.push_back(state.by_id.at(i->second));
  }
}

std::vector<BanPtr> BanStore::remove(const Cidr& prefix) {
  return state_.with([&](State& state) {
    expire(state, clock_.now());
    std::vector<BanPtr> out;
    for (const Scope scope : kScopes) collect(state, scope, prefix, out);
    for (const auto& ban : out) erase(state, ban->id);
    std::erase_if(state.soft_blocks, [&](const auto& record) { return prefix.contains(record.address); });
    std::erase_if(state.repeats, [&](const auto& entry) { return inside(prefix, std::get<1>(entry.first)); });
    return out;
  });
}

std::vector<BanPtr> BanStore::covering(const Address& address) const {
  auto bans = state_.with([&](State& state) {
    expire(state, clock_.now());
    std::vector<BanPtr> out;
    const unsigned whole = address.is_v4() ? 32 : 128;
    for (const Scope scope : {Scope::address, Scope::network}) {
      for (unsigned bits = 0; bits <= whole; ++bits) {
        const auto found = state.by_key.find({scope, {address.masked(bits), bits}, 0, 0});
        if (found != state.by_key.end()) out.push_back(state.by_id[found->second]);
      }
    }
    collect(state, Scope::flow, {address, whole}, out);
    collect(state, Scope::identity, host_prefix(address), out);
    return out;
  });
  std::sort(bans.begin(), bans.end(), [](const BanPtr& a, const BanPtr& b) { return a->id < b->id; });
  return bans;
}

BanPtr BanStore::find(const Cidr& prefix) const {
  return state_.with([&](State& state) -> BanPtr {
    expire(state, clock_.now());
    for (const Scope scope : {Scope::address, Scope::network}) {
      const auto found = state.by_key.find({scope, prefix, 0, 0});
      if (found != state.by_key.end()) return state.by_id[found->second];
    }
    return nullptr;
  });
}

std::vector<BanPtr> BanStore::chunk(std::uint64_t after, std::size_t most) const {
  return state_.with([&](State& state) {
    expire(state, clock_.now());
    std::vector<BanPtr> out;
    for (auto i = state.by_id.upper_bound(after); i != state.by_id.end() && out.size() < most; ++i) {
      out.push_back(i->second);
    }
    return out;
  });
}

void BanStore::for_each(std::uint64_t after, const std::function<void(const BanPtr&)>& visit) const {
  for (auto part = chunk(after, kChunk); !part.empty(); part = chunk(part.back()->id, kChunk)) {
    for (const auto& ban : part) visit(ban);
  }
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
    for (const auto& ban : chunk(query.after, limit + 1)) take(ban);
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
  return state_.with([&](State& state) {
    expire(state, clock_.now());
    return state.by_id.size();
  });
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

#include "neighbourhoods.hpp"

#include <bit>

#include "bounded_table.hpp"

namespace sipward::guardian {
namespace {

constexpr std::uint64_t kLiveKind = 0x11FE;
constexpr std::uint32_t kLiveHours = 24;

template <class T>
T get(T& value) {
  return std::atomic_ref<T>(value).load(std::memory_order_relaxed);
}
template <class T>
void set(T& value, T to) {
  std::atomic_ref<T>(value).store(to, std::memory_order_relaxed);
}

void mark(std::uint64_t& word, std::uint64_t hash) {
  const std::uint64_t bit = std::uint64_t{1} << (hash & 63);
  if ((get(word) & bit) == 0) std::atomic_ref(word).fetch_or(bit, std::memory_order_relaxed);
}

std::uint32_t hour_of(Time now) {
  return static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::hours(1)) + 1;
}

}  // namespace

Cidr neighbourhood_of(const Address& address) {
  const unsigned bits = address.is_v4() ? 24 : 48;
  return {address.masked(bits), bits};
}

Neighbourhoods::Neighbourhoods(const HashKey& key) : key_(key), places_(kPlaces), live_(kLive) {}

std::uint64_t Neighbourhoods::key_of(const Cidr& network, std::uint64_t what) const {
  const auto key = mix(keyed_hash(key_, network.base), what);
  return key == 0 ? 1 : key;
}

Neighbourhoods::Seen Neighbourhoods::seen(Place& place) {
  Seen out;
  for (std::size_t word = 0; word < kWords; ++word) {
    std::uint64_t all = 0;
    for (auto& day : place.users) all |= get(day[word]);
    out.marks += static_cast<unsigned>(std::popcount(all));
  }
  std::uint64_t members = 0;
  for (auto& day : place.members) members |= get(day);
  out.members = static_cast<unsigned>(std::popcount(members));
  return out;
}

// The days from the one after `from` to `to`.
void Neighbourhoods::clear(Place& place, std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = 0; i < DistinctDays::kDays; ++i) {
    if (from + 1 + i > to) break;
    const auto day = (from + 1 + i) % DistinctDays::kDays;
    for (auto& word : place.users[day]) set(word, std::uint64_t{0});
    set(place.members[day], std::uint64_t{0});
  }
}

Neighbourhoods::Place* Neighbourhoods::find(std::uint64_t key, std::uint32_t today, bool make) {
  Place* const first = &places_[(key >> 32) % (kPlaces / kWays) * kWays];
  Place* victim = nullptr;
  unsigned fewest = ~0U;
  for (Place* place = first; place < first + kWays; ++place) {
    if (get(place->key) == key) return place;
    if (!make) continue;
    const bool live = get(place->key) != 0 && get(place->day) + DistinctDays::kDays > today;
    const unsigned marks = live ? seen(*place).marks + 1 : 0;
    if (marks < fewest) victim = place, fewest = marks;
  }
  if (!make) return nullptr;
  std::uint64_t old = get(victim->key);
  if (!std::atomic_ref(victim->key).compare_exchange_strong(old, key, std::memory_order_relaxed)) {
    return old == key ? victim : nullptr;
  }
  set(victim->day, today);
  clear(*victim, 0, DistinctDays::kDays);
  return victim;
}

Neighbourhoods::Seen Neighbourhoods::note(const Cidr& network, Grade grade, std::uint64_t source,
                                          std::uint64_t user, Time now) {
  const std::uint32_t today = day_of(now);
  Place* place = find(key_of(network, static_cast<std::uint64_t>(grade)), today, true);
  if (!place) return {};
  std::uint32_t day = get(place->day);
  if (day < today &&
      std::atomic_ref(place->day).compare_exchange_strong(day, today, std::memory_order_relaxed)) {
    clear(*place, day, today);
  }
  const auto at = today % DistinctDays::kDays;
  mark(place->users[at][(user >> 6) % kWords], user);
  mark(place->members[at], source);
  return seen(*place);
}

void Neighbourhoods::forget(const Cidr& network) {
  for (const Grade grade : {Grade::unproven, Grade::proven}) {
    const auto key = key_of(network, static_cast<std::uint64_t>(grade));
    if (Place* place = find(key, 0, false)) {
      std::uint64_t old = key;
      std::atomic_ref(place->key).compare_exchange_strong(old, 0, std::memory_order_relaxed);
    }
  }
}

void Neighbourhoods::settle(const Cidr& network, Time now) {
  auto& until = live_[key_of(network, kLiveKind) % kLive];
  const std::uint32_t hour = hour_of(now) + kLiveHours;
  if (get(until) < hour) set(until, hour);
}

bool Neighbourhoods::settled(const Cidr& network, Time now) const {
  return get(live_[key_of(network, kLiveKind) % kLive]) > hour_of(now);
}

}  // namespace sipward::guardian

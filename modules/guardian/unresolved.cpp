#include "unresolved.hpp"

#include "neighbourhoods.hpp"

namespace sipward::guardian {
namespace {

constexpr auto kSweep = std::chrono::seconds(60);  // for the whole table
constexpr std::size_t kMostSwept = 64;

// Whether the marks allow for so many users. When the table of users is thrashed a source's few may be
// counted again and again: that must not make many of them.
bool may_be(std::uint32_t users, int marks) {
  return marks >= static_cast<int>(marks_of(std::min(users, 32U), 32) / 2);
}

}  // namespace

EnumerationLimits::EnumerationLimits(const EnumerationOptions& o)
    : users(o.max_extensions),
      window(o.extension_window),
      in_a_row(o.sequential_threshold > kLongestRow ? 0 : o.sequential_threshold),
      rapid_users(o.rapid_fire_count),
      rapid_window(o.rapid_fire_window),
      days_marks(marks_of(std::max(2 * o.max_extensions, kFewestInDays), DistinctDays::kBits)),
      network_marks(marks_of(std::max(3 * o.max_extensions, kFewestInNetwork), Neighbourhoods::kBits)) {}

// Numbers next to each other in the set, whatever the order in which they came; looks no further than enough.
std::uint32_t Unresolved::row(std::uint64_t place, const Asked& asked, const Extension& user,
                              std::uint32_t enough, Time now, Found& found) {
  std::uint32_t length = 1;
  found.first = found.last = user.number;
  for (const bool up : {true, false}) {
    Extension at = user;
    while (length < enough && (up || at.number != 0)) {
      const std::uint64_t number = up ? at.number + 1 : at.number - 1;
      const auto* next = users_.find(place_of(place, asked, extension_key(number, key_)), now);
      if (!next || !same_series(at, next->user)) break;
      at = next->user;
      ++length;
    }
    (up ? found.last : found.first) = at.number;
  }
  return length;
}

Unresolved::Found Unresolved::join(const Source& source, const Extension& user, bool unknown,
                                   const EnumerationLimits& limits, Time now) {
  Found found;
  if (user.key == 0) return found;
  const std::uint64_t place = place_of(source.key, source.grade);
  auto& asked = sources_.at(place, now);
  if (asked.expires == Time{}) {
    asked.host = source.host;
    asked.era = ++eras_;
    count();
  }
  asked.seen = now;
  asked.expires = std::max(asked.expires, now + (unknown ? Duration(kDays) : limits.window));
  if (unknown) {
    asked.unknown.add(user.key, now);
    found.days_marks = asked.unknown.marks(now);
  }
  asked.marks |= 1U << (user.key >> 59);
  auto& known = users_.at(place_of(place, asked, user.key), now);
  if (known.expires != Time{}) return found;  // asked for again
  known = {now + limits.window, now, user, static_cast<std::uint8_t>(asked.weight())};
  asked.recent.add(1, now, limits.window);
  asked.rapid.add(1, now, limits.rapid_window);
  if (asked.quiet > now) return found;
  found.fresh = true;

  const auto recent = asked.recent.count(now, limits.window);
  const auto rapid = asked.rapid.count(now, limits.rapid_window);
  std::uint32_t in_a_row = 0;
  if (limits.in_a_row != 0 && user.is_number())
    in_a_row = row(place, asked, user, limits.in_a_row, now, found);
  if (limits.in_a_row != 0 && in_a_row >= limits.in_a_row) {
    found.reason = Reason::sequential_pattern;
    found.users = in_a_row;
    found.within = limits.window;
  } else if (rapid >= limits.rapid_users && may_be(limits.rapid_users, asked.weight())) {
    found.reason = Reason::rapid_fire;
    found.users = rapid;
    found.within = limits.rapid_window;
  } else if (recent >= limits.users && may_be(limits.users, asked.weight())) {
    found.reason = Reason::count_threshold;
    found.users = recent;
    found.within = limits.window;
  } else if (limits.days_marks != 0 && found.days_marks >= limits.days_marks) {
    found.reason = Reason::count_threshold;
    found.users = found.days_marks;
    found.within = kDays;
  } else {
    return found;
  }
  rest(asked, source.grade, now);
  return found;
}

void Unresolved::rest(Asked& asked, Grade grade, Time now) {
  asked.quiet = now + kQuiet;
  asked.era = ++eras_;
  asked.marks = 0;
  asked.recent = asked.rapid = {};
  if (grade == Grade::proven) asked.unknown = {};
}

void Unresolved::rest(const Source& source, Time now) {
  if (auto* asked = sources_.find(place_of(source.key, source.grade), now)) rest(*asked, source.grade, now);
}

void Unresolved::leave(std::uint64_t source_key, const Extension& user, const EnumerationLimits& limits,
                       Time now) {
  if (user.key == 0) return;
  for (const Grade grade : {Grade::unproven, Grade::proven}) {
    const std::uint64_t place = place_of(source_key, grade);
    auto* asked = sources_.find(place, now);
    if (!asked) continue;
    const std::uint64_t at = place_of(place, *asked, user.key);
    const auto* known = users_.find(at, now);
    if (!known) continue;
    asked->recent.remove(known->joined, now, limits.window);
    asked->rapid.remove(known->joined, now, limits.rapid_window);
    users_.erase(at);
  }
}

void Unresolved::forget(const Cidr& prefix) {
  sources_.erase_if([&](const Asked& asked) { return prefix.contains(asked.host); });
  count();
}

void Unresolved::sweep(Time now) {
  if (sources_.size() == 0 || now - swept_ < std::chrono::milliseconds(100)) return;
  const auto elapsed = std::min<Duration>(now - swept_, kSweep);
  const auto due = elapsed * static_cast<std::int64_t>(sources_.neighbourhoods()) / Duration(kSweep);
  swept_ = now;
  sources_.sweep(static_cast<std::size_t>(std::clamp<std::int64_t>(due, 1, kMostSwept)), now);
  count();
}

}  // namespace sipward::guardian

#include "failures.hpp"

#include <algorithm>

namespace sipward::guardian {

std::vector<Signal> SignalLog::list() const {
  std::vector<Signal> out;
  const std::uint32_t first = seen > kKept ? seen - static_cast<std::uint32_t>(kKept) : 0;
  for (std::uint32_t i = first; i < seen; ++i) out.push_back(signals[i % kKept]);
  return out;
}

Failures::Pair& Failures::pair(const Who& who, Duration find_time, Time now) {
  auto& pair = pairs_.at(mix(who.key, who.user), now);
  pair.host = who.host;
  pair.expires = std::max(pair.expires, now + find_time);
  return pair;
}

Failures::Tally Failures::add(const Who& who, const Signal& signal, Duration find_time, Time now) {
  Tally tally;
  auto& source = addresses_.at(who.key, now);
  source.host = who.host;
  source.expires = now + find_time;
  source.window.add(signal.weight, now, find_time);
  source.log.add(signal);
  tally.address = source.window.count(now, find_time);
  if (who.user != 0) {
    auto& users = source.users;
    if (std::find(users.begin(), users.end(), who.user) == users.end()) {
      const auto free = std::find(users.begin(), users.end(), 0);
      if (free != users.end()) *free = who.user;
    }
    auto& failed = pair(who, find_time, now);
    failed.window.add(signal.weight, now, find_time);
    tally.pair = failed.window.count(now, find_time);
  }
  tally.users = kUsers - static_cast<std::size_t>(std::count(source.users.begin(), source.users.end(), 0));
  return tally;
}

void Failures::succeed(const Who& who, Duration find_time, Time now) {
  auto& known = pair(who, find_time, now);
  if (auto* source = addresses_.find(who.key, now)) {
    source->window.subtract(known.window, now, find_time);
    std::replace(source->users.begin(), source->users.end(), who.user, std::uint64_t{0});
  }
  known.window = {};
  known.unknown_nonces = {};
  known.stale_run = 0;
  known.authenticated = now + kAuthenticatedFor;
  known.expires = std::max(known.expires, known.authenticated);
}

bool Failures::authenticated(const Who& who, Time now) {
  const auto* known = who.user == 0 ? nullptr : pairs_.find(mix(who.key, who.user), now);
  return known && known->authenticated > now;
}

std::uint32_t Failures::unknown_nonce(const Who& who, Duration find_time, Time now) {
  auto& seen = pair(who, find_time, now).unknown_nonces;
  seen.add(1, now, find_time);
  return seen.count(now, find_time);
}

std::uint32_t Failures::stale(const Who& who, Duration find_time, Time now) {
  auto& run = pair(who, find_time, now).stale_run;
  if (run < 0xFFFF) ++run;
  return run;
}

std::vector<Signal> Failures::signals(std::uint64_t key, Time now) {
  const auto* source = addresses_.find(key, now);
  return source ? source->log.list() : std::vector<Signal>();
}

std::uint32_t Failures::count(std::uint64_t key, Duration find_time, Time now) {
  auto* source = addresses_.find(key, now);
  return source ? source->window.count(now, find_time) : 0;
}

void Failures::settle(const Who& who) {
  addresses_.erase(who.key);
  if (who.user != 0) pairs_.erase(mix(who.key, who.user));
}

void Failures::forget(const Cidr& prefix) {
  addresses_.erase_if([&](const Source& source) { return prefix.contains(source.host); });
  pairs_.erase_if([&](const Pair& pair) { return prefix.contains(pair.host); });
}

}  // namespace sipward::guardian

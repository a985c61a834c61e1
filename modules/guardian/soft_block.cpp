#include "soft_block.hpp"

#include <algorithm>

namespace sipward::guardian {

bool SoftBlocks::strike(const Address& host, std::uint64_t key, const Signal& signal, const Limits& limits,
                        Time now) {
  auto& entry = table_.at(key, now);
  entry.host = host;
  if (entry.exempt > now || entry.until > now) return false;
  // A source that kept quiet for twice the longest block begins anew.
  if (entry.level != 0 && now - entry.until > 2 * limits.max) entry.level = 0;
  entry.strikes.add(1, now, limits.find_time);
  entry.log.add(signal);
  entry.expires = std::max(entry.expires, now + limits.find_time);
  if (entry.strikes.count(now, limits.find_time) < limits.strikes) return false;
  Duration time = std::min(limits.time, limits.max);
  for (std::uint8_t i = 0; i < entry.level && time < limits.max; ++i) time = std::min(time * 2, limits.max);
  if (entry.level < 32) ++entry.level;
  entry.strikes = {};
  entry.until = now + time;
  entry.expires = std::max(entry.expires, entry.until + 2 * limits.max);
  last_until_ = std::max(last_until_, entry.until);
  return true;
}

void SoftBlocks::exempt(const Address& host, std::uint64_t key, Time until, Time now) {
  auto& entry = table_.at(key, now);
  entry.host = host;
  entry.until = {};
  entry.exempt = until;
  entry.expires = std::max(entry.expires, until);
}

Time SoftBlocks::until(std::uint64_t key, Time now) {
  const auto* entry = table_.find(key, now);
  return entry && entry->until > now ? entry->until : Time{};
}

std::vector<Signal> SoftBlocks::signals(std::uint64_t key, Time now) {
  const auto* entry = table_.find(key, now);
  return entry ? entry->log.list() : std::vector<Signal>();
}

std::uint32_t SoftBlocks::count(std::uint64_t key, Duration find_time, Time now) {
  auto* entry = table_.find(key, now);
  return entry ? entry->strikes.count(now, find_time) : 0;
}

void SoftBlocks::forget(const Cidr& prefix) {
  table_.erase_if([&](const Entry& entry) { return prefix.contains(entry.host); });
}

}  // namespace sipward::guardian

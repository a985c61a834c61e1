#include "rate_limiter.hpp"

#include <algorithm>

namespace sipward::guardian {
namespace {

constexpr auto kIdle = std::chrono::minutes(1);  // what any sensible bucket needs to be full again

}  // namespace

void RateLimiter::draw(const Bucket& bucket, Lane lane, Time now, Draw& draw) {
  if (!bucket.limit) return;
  auto& buckets = buckets_.at(bucket.key, now);
  draw.full = &buckets.full[static_cast<std::size_t>(lane)];
  const Time full = std::max(*draw.full, now);
  draw.wait = std::max(full - now - bucket.limit->depth(bucket.scale), Duration::zero());
  draw.next = full + bucket.limit->interval(bucket.scale);
  buckets.expires = std::max(buckets.expires, draw.next + kIdle);
}

// Takes both tokens when they are there within `ahead`. The time until then either way.
Duration RateLimiter::take(const Bucket& one, const Bucket& other, Lane lane, Duration ahead, Time now) {
  Draw first;
  Draw second;
  draw(one, lane, now, first);
  // The second look-up may only push out the first when both fall into one neighbourhood of live entries;
  // then its token is written to a bucket that was just made, which is what that source would have got
  // anyway.
  if (first.wait <= ahead) draw(other, lane, now, second);
  const Duration wait = std::max(first.wait, second.wait);
  if (wait > ahead) return wait;
  if (first.full) *first.full = first.next;
  if (second.full) *second.full = second.next;
  return wait;
}

bool RateLimiter::allow(const Bucket& one, const Bucket& other, Lane lane, Time now) {
  return take(one, other, lane, Duration::zero(), now) == Duration::zero();
}

Duration RateLimiter::borrow(const Bucket& one, const Bucket& other, Lane lane, Time now) {
  return take(one, other, lane, kLongestWait, now);
}

void RateLimiter::refund(const Bucket& bucket, Lane lane, unsigned tokens, Time now) {
  if (!bucket.limit) return;
  auto* buckets = buckets_.find(bucket.key, now);
  if (!buckets) return;
  auto& full = buckets->full[static_cast<std::size_t>(lane)];
  if (full > now) full = std::max(now, full - bucket.limit->interval(bucket.scale) * tokens);
}

void RateLimiter::turn_away(std::uint64_t transaction, Time now) {
  auto& entry = turned_away_.at(transaction, now);
  // The first time counts: a client that is turned away again keeps its age.
  if (entry.expires == Time{}) entry.expires = now + kLatestRepeat;
}

bool RateLimiter::is_repeat(std::uint64_t transaction, Time now) {
  const auto* entry = turned_away_.find(transaction, now);
  return entry && now - (entry->expires - kLatestRepeat) >= kEarliestRepeat;
}

}  // namespace sipward::guardian

#include "rate_limiter.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const Time kNow = Time{} + 1000h;
const Limit kRate(config::Rate{10, 1000ms, 20});

unsigned drain(RateLimiter& limiter, const RateLimiter::Bucket& bucket, Lane lane, Time now) {
  unsigned passed = 0;
  while (passed < 100'000 && limiter.allow(bucket, {}, lane, now)) ++passed;
  return passed;
}

}  // namespace

TEST_CASE("a source gets its burst at once and then its rate") {
  RateLimiter limiter;
  const RateLimiter::Bucket bucket{1, &kRate, 4};
  CHECK(drain(limiter, bucket, Lane::first, kNow) == 20);
  CHECK(drain(limiter, bucket, Lane::first, kNow + 99ms) == 0);
  CHECK(drain(limiter, bucket, Lane::first, kNow + 500ms) == 5);
  CHECK(drain(limiter, bucket, Lane::first, kNow + 1h) == 20);
}

TEST_CASE("sources, kinds and lanes have buckets of their own") {
  RateLimiter limiter;
  CHECK(drain(limiter, {1, &kRate, 4}, Lane::first, kNow) == 20);
  CHECK(drain(limiter, {2, &kRate, 4}, Lane::first, kNow) == 20);
  CHECK(drain(limiter, {1, &kRate, 4}, Lane::again, kNow) == 20);
  CHECK(drain(limiter, {1, &kRate, 4}, Lane::proven, kNow) == 20);
}

TEST_CASE("live registrations behind an address raise its rate and burst by a quarter each") {
  RateLimiter limiter;
  CHECK(drain(limiter, {1, &kRate, 4 + 8}, Lane::first, kNow) == 60);
  CHECK(drain(limiter, {1, &kRate, 4 + 8}, Lane::first, kNow + 1s) == 30);
}

TEST_CASE("a request that one bucket refuses takes no token from the other") {
  RateLimiter limiter;
  const Limit narrow(config::Rate{1, 1000ms, 1});
  const RateLimiter::Bucket wide{1, &kRate, 4};
  const RateLimiter::Bucket all{2, &narrow, 4};
  CHECK(limiter.allow(wide, all, Lane::first, kNow));
  CHECK_FALSE(limiter.allow(wide, all, Lane::first, kNow));
  CHECK(drain(limiter, wide, Lane::first, kNow) == 19);
}

TEST_CASE("tokens given back never fill a bucket beyond its burst") {
  RateLimiter limiter;
  const RateLimiter::Bucket bucket{1, &kRate, 4};
  CHECK(drain(limiter, bucket, Lane::first, kNow) == 20);
  limiter.refund(bucket, Lane::first, 3, kNow);
  CHECK(drain(limiter, bucket, Lane::first, kNow) == 3);
  limiter.refund(bucket, Lane::first, 1000, kNow);
  CHECK(drain(limiter, bucket, Lane::first, kNow) == 20);
}

TEST_CASE("what was turned away is known again from 400 ms to 32 s later") {
  RateLimiter limiter;
  limiter.turn_away(77, kNow);
  limiter.turn_away(77, kNow + 399ms);
  CHECK_FALSE(limiter.is_repeat(77, kNow + 399ms));
  CHECK(limiter.is_repeat(77, kNow + 400ms));
  CHECK(limiter.is_repeat(77, kNow + 31s));
  CHECK_FALSE(limiter.is_repeat(77, kNow + 32s));
  CHECK_FALSE(limiter.is_repeat(78, kNow + 500ms));
}

TEST_CASE("absurd rates neither overflow nor let everything through") {
  RateLimiter limiter;
  const Limit slow(config::Rate{1, config::kMaxDuration, 4'000'000'000U});
  CHECK(limiter.allow({1, &slow, 4}, {}, Lane::first, kNow));
  const Limit fast(config::Rate{4'000'000'000U, 1ms, 1});
  CHECK(limiter.allow({2, &fast, 4100}, {}, Lane::first, kNow));
  CHECK_FALSE(limiter.allow({2, &fast, 4}, {}, Lane::first, kNow - 1ms));
}

TEST_CASE("who can be made to wait takes tokens ahead of time, and is told how long, up to a bound") {
  RateLimiter limiter;
  const RateLimiter::Bucket bucket{1, &kRate, 4};
  for (int i = 0; i < 20; ++i) CHECK(limiter.borrow(bucket, {}, Lane::proven, kNow) == 0ms);
  CHECK(limiter.borrow(bucket, {}, Lane::proven, kNow) == 100ms);
  CHECK(limiter.borrow(bucket, {}, Lane::proven, kNow) == 200ms);
  CHECK(limiter.borrow(bucket, {}, Lane::proven, kNow + 200ms) == 100ms);
  Duration longest{};
  for (int i = 0; i < 1000; ++i) {
    const auto wait = limiter.borrow(bucket, {}, Lane::proven, kNow + 200ms);
    if (wait > RateLimiter::kLongestWait) break;
    longest = wait;
  }
  CHECK(longest == RateLimiter::kLongestWait);
  CHECK(limiter.borrow(bucket, {}, Lane::proven, kNow + 200ms) > RateLimiter::kLongestWait);
  CHECK(limiter.borrow(bucket, {}, Lane::proven, kNow + 300ms) == RateLimiter::kLongestWait);
}

TEST_CASE("a gate lets its burst through and then its rate") {
  Gate gate;
  int passed = 0;
  while (gate.allow(kRate, kNow)) ++passed;
  CHECK(passed == 20);
  CHECK_FALSE(gate.allow(kRate, kNow + 99ms));
  CHECK(gate.allow(kRate, kNow + 100ms));
  CHECK_FALSE(gate.allow(kRate, kNow + 100ms));
}

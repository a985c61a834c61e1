#include "soft_block.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const Time kNow = Time{} + 1000h;
const Address kHost = *Address::parse("192.0.2.1");
const SoftBlocks::Limits kLimits{5, 10min, 60s, 5min};

// Strikes until it blocks; gives how many it took.
int strike(SoftBlocks& blocks, Time now) {
  for (int i = 1; i <= 100; ++i) {
    if (blocks.strike(kHost, 1, {now, Reason::scanner, sip::Method::options, 0, 1, Proof::none}, kLimits,
                      now))
      return i;
  }
  return 0;
}

}  // namespace

TEST_CASE("the fifth strike within find_time soft-blocks, for its time") {
  SoftBlocks blocks;
  CHECK(strike(blocks, kNow) == 5);
  CHECK(blocks.blocked(1, kNow + 59s));
  CHECK_FALSE(blocks.blocked(1, kNow + 60s));
  CHECK_FALSE(blocks.blocked(2, kNow));
  CHECK(blocks.signals(1, kNow).size() == 5);
}

TEST_CASE("each further soft block lasts twice as long, up to the longest") {
  SoftBlocks blocks;
  Time now = kNow;
  for (const auto expected : {60s, 120s, 240s, 300s, 300s}) {
    CHECK(strike(blocks, now) == 5);
    CHECK(blocks.until(1, now) - now == expected);
    now = blocks.until(1, now);
  }
  now += 11min;
  CHECK(strike(blocks, now) == 5);
  CHECK(blocks.until(1, now) - now == 60s);
}

TEST_CASE("an exempt address is never soft-blocked") {
  SoftBlocks blocks;
  blocks.exempt(kHost, 1, kNow + 60s, kNow);
  CHECK(blocks.is_exempt(1, kNow));
  CHECK(strike(blocks, kNow) == 0);
  CHECK_FALSE(blocks.blocked(1, kNow));
}

TEST_CASE("forgetting a prefix lifts its soft blocks") {
  SoftBlocks blocks;
  strike(blocks, kNow);
  blocks.forget(*Cidr::parse("192.0.2.1"));
  CHECK_FALSE(blocks.blocked(1, kNow));
}

TEST_CASE("strikes of a flood of forged addresses push out no live block") {
  SoftBlocks blocks(1024);
  strike(blocks, kNow);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const Address host = Address::v4(0xCB007100 + i);
    blocks.strike(host, keyed_hash(HashKey{1, 2}, host), {}, kLimits, kNow);
  }
  CHECK(blocks.blocked(1, kNow));
}

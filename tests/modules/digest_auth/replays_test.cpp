#include "replays.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::digest_auth;
using Use = Replays::Use;

namespace {

const Time kNow = Time(std::chrono::hours(1));
const Time kEnd = kNow + std::chrono::minutes(5);

}  // namespace

TEST_CASE("a count is used once, and again only by the same request") {
  Replays replays;
  CHECK(replays.use(1, 1, 11, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(1, 1, 11, kNow, kEnd) == Use::again);
  CHECK(replays.use(1, 1, 12, kNow, kEnd) == Use::replayed);
  CHECK(replays.use(1, 2, 12, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(1, 1, 11, kNow, kEnd) == Use::again);
  CHECK(replays.use(2, 1, 13, kNow, kEnd) == Use::fresh);
}

TEST_CASE("counts may overtake each other within the window") {
  Replays replays;
  CHECK(replays.use(1, 100, 1, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(1, 37, 2, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(1, 37, 3, kNow, kEnd) == Use::replayed);
  CHECK(replays.use(1, 36, 4, kNow, kEnd) == Use::replayed);
  CHECK(replays.use(1, 0xffffffff, 5, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(1, 100, 6, kNow, kEnd) == Use::replayed);
  CHECK(replays.use(1, 0xfffffffe, 6, kNow, kEnd) == Use::fresh);
}

TEST_CASE("what is kept ends with its nonce, and is bounded") {
  Replays replays;
  for (std::uint64_t nonce = 1; nonce <= Replays::kMax; ++nonce)
    REQUIRE(replays.use(nonce, 1, 1, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(Replays::kMax + 1, 1, 1, kNow, kEnd) == Use::full);
  CHECK(replays.use(1, 2, 2, kNow, kEnd) == Use::fresh);
  CHECK(replays.use(Replays::kMax + 1, 1, 1, kEnd, kEnd + std::chrono::minutes(5)) == Use::fresh);
  CHECK(replays.size() < Replays::kMax);
}

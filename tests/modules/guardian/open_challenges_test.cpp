#include "open_challenges.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

struct Desk {
  OpenChallenges challenges{64};
  Time now = Time{} + 1h;
  std::vector<std::uint64_t> guesses, failures;

  void open(std::uint64_t key) {
    OpenChallenges::Challenge challenge;
    challenge.key = key;
    challenges.open(challenge, now);
  }
  void after(Duration time) {
    now += time;
    challenges.due(
        now, [&](const auto& c) { guesses.push_back(c.key); },
        [&](const auto& c) { failures.push_back(c.key); });
  }
};
using Keys = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a challenge left open is a guess after 5 s and a failure after 30 s, once") {
  Desk d;
  d.open(1);
  d.after(4s);
  d.open(1);
  CHECK(d.guesses.empty());
  d.after(1s);
  CHECK(d.guesses == Keys{1});
  d.after(24s);
  CHECK(d.failures.empty());
  d.after(1s);
  d.after(1h);
  CHECK(d.guesses == Keys{1});
  CHECK(d.failures == Keys{1});
  CHECK(d.challenges.empty());
}

TEST_CASE("a challenge that is answered is nothing, and a new one begins anew") {
  Desk d;
  d.open(1);
  d.after(1s);
  d.challenges.answered(1);
  d.after(1s);
  d.open(1);
  d.after(4s);
  CHECK(d.guesses.empty());
  d.after(1s);
  CHECK(d.guesses == Keys{1});
  d.challenges.answered(1);
  d.after(60s);
  CHECK(d.failures.empty());
}

TEST_CASE("beyond its places it forgets the oldest") {
  Desk d;
  for (std::uint64_t i = 1; i <= 100; ++i) d.open(i);
  d.after(5s);
  d.after(0s);
  d.after(0s);
  d.after(0s);
  CHECK(d.guesses.size() <= 64);
  CHECK_FALSE(d.guesses.empty());
  CHECK(d.guesses.back() == 100);
}

#include "failures.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const Time kNow = Time{} + 1000h;
const Address kHost = *Address::parse("192.0.2.1");
constexpr auto kFindTime = 10min;

Signal signal(Reason reason = Reason::wrong_password) {
  return {kNow, reason, sip::Method::register_, 401, 1, Proof::nonce};
}

}  // namespace

TEST_CASE("failures count for the address and for each of its users") {
  Failures failures;
  failures.add({kHost, 1, 100}, signal(), kFindTime, kNow);
  failures.add({kHost, 1, 100}, signal(), kFindTime, kNow);
  const auto tally = failures.add({kHost, 1, 200}, signal(), kFindTime, kNow);
  CHECK(tally.address == 3);
  CHECK(tally.pair == 1);
  CHECK(tally.users == 2);
  CHECK(failures.add({kHost, 2, 100}, signal(), kFindTime, kNow).address == 1);
}

TEST_CASE("a user who gets in takes back his own failures and nobody else's") {
  Failures failures;
  for (int i = 0; i < 4; ++i) failures.add({kHost, 1, 100}, signal(), kFindTime, kNow);
  failures.add({kHost, 1, 200}, signal(), kFindTime, kNow);
  failures.succeed({kHost, 1, 100}, kFindTime, kNow);
  CHECK(failures.authenticated({kHost, 1, 100}, kNow + 59min));
  CHECK_FALSE(failures.authenticated({kHost, 1, 200}, kNow));
  CHECK_FALSE(failures.authenticated({kHost, 1, 100}, kNow + 60min));
  const auto tally = failures.add({kHost, 1, 100}, signal(), kFindTime, kNow);
  CHECK(tally.address == 2);
  CHECK(tally.pair == 1);
}

TEST_CASE("failures older than find_time are forgotten") {
  Failures failures;
  for (int i = 0; i < 4; ++i) failures.add({kHost, 1, 0}, signal(), kFindTime, kNow);
  CHECK(failures.add({kHost, 1, 0}, signal(), kFindTime, kNow + kFindTime).address == 1);
}

TEST_CASE("unknown and stale nonces are counted per pair") {
  Failures failures;
  CHECK(failures.unknown_nonce({kHost, 1, 100}, kFindTime, kNow) == 1);
  CHECK(failures.unknown_nonce({kHost, 1, 200}, kFindTime, kNow) == 1);
  CHECK(failures.unknown_nonce({kHost, 1, 100}, kFindTime, kNow) == 2);
  for (std::uint32_t i = 1; i <= 6; ++i) CHECK(failures.stale({kHost, 1, 100}, kFindTime, kNow) == i);
  failures.succeed({kHost, 1, 100}, kFindTime, kNow);
  CHECK(failures.stale({kHost, 1, 100}, kFindTime, kNow) == 1);
}

TEST_CASE("the last signals are kept in order, and forgetting a prefix forgets all of it") {
  Failures failures;
  for (int i = 0; i < 10; ++i) {
    auto one = signal();
    one.status = static_cast<std::uint16_t>(i);
    failures.add({kHost, 1, 100}, one, kFindTime, kNow);
  }
  const auto kept = failures.signals(1, kNow);
  REQUIRE(kept.size() == SignalLog::kKept);
  CHECK(kept.front().status == 2);
  CHECK(kept.back().status == 9);
  failures.forget(*Cidr::parse("192.0.2.0/24"));
  CHECK(failures.signals(1, kNow).empty());
  CHECK(failures.add({kHost, 1, 100}, signal(), kFindTime, kNow).pair == 1);
}

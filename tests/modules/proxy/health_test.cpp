#include "health.hpp"

#include <catch2/catch.hpp>

#include "sipward/testing/fake_clock.hpp"

using namespace sipward;
using namespace sipward::proxy;
using namespace std::chrono_literals;

namespace {

const Endpoint kPbx = *Endpoint::parse("192.0.2.1:5060");

std::shared_ptr<Target> target() {
  return std::make_shared<Target>(Transport::udp, kPbx, 1);
}

}  // namespace

TEST_CASE("an upstream is up until `fall` checks in a row failed, and again after `rise`") {
  CheckOptions options;
  options.fall = 3;
  options.rise = 2;
  Check check(target(), options);
  const Time now{};
  CHECK(check.up());
  CHECK(check.last_result().empty());
  CHECK_FALSE(check.note(false, "no answer", now));
  CHECK_FALSE(check.note(false, "no answer", now));
  CHECK_FALSE(check.note(true, "answered", now));  // not in a row
  CHECK_FALSE(check.note(false, "no answer", now));
  CHECK_FALSE(check.note(false, "no answer", now));
  CHECK(check.up());
  CHECK(check.note(false, "no answer", now));
  CHECK_FALSE(check.up());
  CHECK(check.last_result() == "no answer");
  CHECK_FALSE(check.note(true, "answered", now));
  CHECK_FALSE(check.note(false, "no answer", now));
  CHECK_FALSE(check.note(true, "answered", now));
  CHECK_FALSE(check.up());
  CHECK(check.note(true, "answered", now));
  CHECK(check.up());
}

TEST_CASE("checks are spread: the first within a second, the others by a tenth") {
  CheckOptions options;
  options.interval = 30s;
  Duration least = 1h, most = 0s, first_least = 1h, first_most = 0s;
  for (std::uint32_t random = 0; random < 4096; ++random) {
    const auto next = next_check(options, random), first = first_check(options, random);
    least = std::min(least, next);
    most = std::max(most, next);
    first_least = std::min(first_least, first);
    first_most = std::max(first_most, first);
  }
  CHECK(least == 27s);
  CHECK(most > 32s);
  CHECK(most <= 33s);
  CHECK(first_least == 0s);
  CHECK(first_most > 900ms);
  CHECK(first_most <= 1s);
  options.interval = 100ms;
  CHECK(first_check(options, 1023) < 100ms);
}

TEST_CASE("an OPTIONS is one, and any final answer to it will do") {
  const bool stream = GENERATE(false, true);
  const Question question{stream ? Transport::tcp : Transport::udp, *Endpoint::parse("192.0.2.9:40000"), kPbx,
                          0x1234abcd};
  const auto text = question.text();
  sip::Message message;
  message.parse(text, sip::Framing::stream);
  CHECK(message.defects().none());
  CHECK(message.framed());
  CHECK(message.method() == sip::Method::options);
  CHECK(message.via().ok);
  CHECK(message.via().transport == (stream ? "TCP" : "UDP"));
  CHECK(message.from().ok);
  CHECK(message.to().ok);
  const auto answer = [&](const std::string& status, const std::string& via) {
    return "SIP/2.0 " + status + "\r\nVia: " + via + "\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n";
  };
  const auto via = std::string(message.value(sip::HeaderId::via));
  for (const auto* status : {"200 OK", "404 Not Found", "401 Unauthorized", "503 Service Unavailable"})
    CHECK(question.answered_by(answer(status, via)));
  CHECK_FALSE(question.answered_by(answer("100 Trying", via)));
  CHECK_FALSE(question.answered_by(answer("200 OK", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKother")));
  CHECK_FALSE(question.answered_by(text));
  CHECK_FALSE(question.answered_by("\r\n\r\n"));
}

TEST_CASE("so many failures within a time make an upstream fail, and time heals it") {
  test::FakeClock clock;
  const auto t = target();
  CHECK_FALSE(t->failing(clock.now(), 10s, 1));
  t->fail(clock.now());
  clock.advance(4s);
  t->fail(clock.now());
  CHECK(t->failing(clock.now(), 10s, 1));
  CHECK(t->failing(clock.now(), 10s, 2));
  CHECK_FALSE(t->failing(clock.now(), 10s, 3));
  CHECK_FALSE(t->failing(clock.now(), 0s, 1));  // nothing is remembered
  CHECK(t->failures(clock.now(), 10s) == 2);
  clock.advance(7s);
  CHECK_FALSE(t->failing(clock.now(), 10s, 2));
  CHECK(t->failing(clock.now(), 10s, 1));
  CHECK(t->failures(clock.now(), 10s) == 1);
  for (unsigned i = 0; i < 3 * Target::kFailures; ++i) t->fail(clock.now());
  CHECK(t->failing(clock.now(), 10s, 1000));
  CHECK(t->failures(clock.now(), 10s) == Target::kFailures);
  clock.advance(10s);
  CHECK_FALSE(t->failing(clock.now(), 10s, 1));
}

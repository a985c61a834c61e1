#include "hop_exchanges.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "sipward/testing/fake_clock.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::proxy;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

std::string first_word(std::string_view octets) {
  return std::string(octets.substr(0, octets.find(' ')));
}

// Exchanges on a clock that the test moves, between who asks and who is asked.
struct Between final : Exchanges::Ways {
  void send_request(Exchange&, std::string_view octets) override { asked.emplace_back(octets); }
  void send_answer(Exchange&, std::string_view octets) override { answers.emplace_back(octets); }
  void give_up(Exchange&) override { ++given_up; }

  Exchange& begin(const std::string& method, bool repeats) {
    text.method = method;
    Exchange what;
    what.key = 7;
    what.method = sip::parse_method(method);
    what.from_client = what.repeats = repeats;
    auto* e = exchanges.begin(what, text.request(), clock.now());
    REQUIRE(e);
    return *e;
  }
  bool answered(Exchange& e, int status) {
    const auto octets = text.response(status);
    message.parse(octets, sip::Framing::datagram);
    return exchanges.answered(e, message, clock.now());
  }
  // In ticks, as the hop's timer does.
  void pass(Duration time) {
    for (const auto end = clock.now() + time; clock.now() < end;) {
      clock.advance(std::min<Duration>(TimerWheel<Exchange>::kTick, end - clock.now()));
      exchanges.turn(clock.now());
    }
  }
  std::size_t sent(const std::string& method) const {
    return static_cast<std::size_t>(
        std::count_if(asked.begin(), asked.end(), [&](const auto& o) { return first_word(o) == method; }));
  }

  FakeClock clock;
  Exchanges exchanges{*this};
  SipText text;
  sip::Message message;
  std::vector<std::string> asked, answers;
  int given_up = 0;
};

}  // namespace

TEST_CASE("exchanges: an INVITE that may get lost is repeated ever more slowly, and given up after 32 s") {
  Between between;
  between.begin("INVITE", true);
  std::vector<std::size_t> counts;
  for (const auto time : {400ms, 300ms, 1000ms, 2000ms, 4000ms, 8000ms}) {
    between.pass(time);
    counts.push_back(between.sent("INVITE"));
  }
  CHECK(counts == std::vector<std::size_t>{0, 1, 2, 3, 4, 5});
  CHECK(between.asked.front() == between.text.request());
  between.pass(32s - 15700ms - 100ms);
  CHECK(between.given_up == 0);
  between.pass(300ms);
  CHECK(between.given_up == 1);
  CHECK(between.sent("CANCEL") == 0);
  between.pass(33s);
  CHECK(between.exchanges.empty());
}

TEST_CASE("exchanges: other requests are repeated every 4 s at last, and end without a word") {
  Between between;
  between.begin("OPTIONS", true);
  between.pass(8s);
  CHECK(between.sent("OPTIONS") == 4);  // after 0.5, 1.5, 3.5 and 7.5 s
  between.pass(8s);
  CHECK(between.sent("OPTIONS") == 6);
  between.pass(17s);
  CHECK(between.exchanges.empty());
  CHECK(between.given_up == 0);
}

TEST_CASE("exchanges: a provisional answer ends the repeating of an INVITE, and rings for three minutes") {
  Between between;
  auto& e = between.begin("INVITE", true);
  CHECK(between.answered(e, 100));
  CHECK_FALSE(between.answered(e, 100));
  between.pass(100s);
  CHECK(between.answered(e, 180));
  between.pass(179s);
  CHECK(between.asked.empty());
  CHECK(between.given_up == 0);
  between.pass(1300ms);
  CHECK(between.given_up == 1);
  CHECK(between.sent("CANCEL") == 1);
}

TEST_CASE("exchanges: a refusal is acknowledged each time it comes, and goes on once") {
  Between between;
  auto& e = between.begin("INVITE", true);
  CHECK(between.answered(e, 486));
  CHECK_FALSE(between.answered(e, 486));
  REQUIRE(between.sent("ACK") == 2);
  sip::Message ack, invite;
  const auto request = between.text.request();
  ack.parse(between.asked.back(), sip::Framing::datagram);
  invite.parse(request, sip::Framing::datagram);
  CHECK(ack.request_uri() == invite.request_uri());
  CHECK(ack.via().branch == invite.via().branch);
  CHECK(ack.to().tag == "pbxtag");
  CHECK(ack.cseq().number == invite.cseq().number);
  CHECK(ack.cseq().method == sip::Method::ack);
  CHECK(ack.call_id() == invite.call_id());
  CHECK(ack.from().tag == invite.from().tag);
  CHECK(between.exchanges.acknowledged(e, between.clock.now()));
  between.pass(33s);
  CHECK(between.exchanges.empty());
}

TEST_CASE("exchanges: a 2xx goes on as often as it comes, and its ACK does, too") {
  Between between;
  auto& e = between.begin("INVITE", true);
  CHECK(between.answered(e, 200));
  CHECK(between.answered(e, 200));
  CHECK_FALSE(between.exchanges.acknowledged(e, between.clock.now()));
  CHECK(between.asked.empty());
}

TEST_CASE("exchanges: another final answer goes on once") {
  Between between;
  auto& e = between.begin("BYE", true);
  CHECK(between.answered(e, 200));
  CHECK_FALSE(between.answered(e, 200));
  between.pass(6s);
  CHECK(between.exchanges.empty());
  CHECK(between.asked.empty());
}

TEST_CASE("exchanges: a CANCEL waits until the INVITE is known to have arrived, and is repeated") {
  Between between;
  auto& e = between.begin("INVITE", true);
  between.exchanges.cancel(e, between.clock.now());
  CHECK(between.sent("CANCEL") == 0);
  CHECK(between.answered(e, 180));
  REQUIRE(between.sent("CANCEL") == 1);
  sip::Message cancel;
  cancel.parse(between.asked.back(), sip::Framing::datagram);
  CHECK(cancel.via().branch == between.text.branch);
  CHECK(cancel.to().tag.empty());
  between.pass(600ms);
  CHECK(between.sent("CANCEL") == 2);
  auto* follower = between.exchanges.find(Exchanges::cancel_key(e.key));
  REQUIRE(follower);
  CHECK_FALSE(between.answered(*follower, 200));
  between.pass(4s);
  CHECK(between.sent("CANCEL") == 2);
  CHECK(between.answered(e, 487));
  CHECK(between.sent("ACK") == 1);
}

TEST_CASE("exchanges: what may get lost on the way back is repeated until its ACK") {
  Between between;
  auto& e = between.begin("INVITE", false);
  const auto give = [&](int status) {
    CHECK(between.answered(e, status));
    between.exchanges.given(e, between.text.response(status), static_cast<unsigned>(status),
                            between.clock.now());
  };
  give(180);
  between.exchanges.repeated(e);
  CHECK(between.answers == std::vector<std::string>{between.text.response(180)});
  between.answers.clear();
  give(486);
  CHECK(between.sent("ACK") == 1);
  between.pass(600ms);
  CHECK(between.answers == std::vector<std::string>{between.text.response(486)});
  between.pass(1s);
  CHECK(between.answers.size() == 2);
  CHECK(between.exchanges.acknowledged(e, between.clock.now()));
  between.pass(10s);
  CHECK(between.answers.size() == 2);
  CHECK(between.sent("INVITE") == 0);
}

TEST_CASE("exchanges: a request that comes again gets the answer that it got") {
  Between between;
  auto& e = between.begin("BYE", false);
  between.exchanges.repeated(e);
  CHECK(between.answers.empty());
  CHECK(between.answered(e, 200));
  between.exchanges.given(e, between.text.response(200), 200, between.clock.now());
  between.pass(20s);
  CHECK(between.answers.empty());
  between.exchanges.repeated(e);
  CHECK(between.answers == std::vector<std::string>{between.text.response(200)});
  between.pass(13s);
  CHECK(between.exchanges.empty());
}

TEST_CASE("exchanges: there are only so many") {
  Between between;
  Exchange what;
  what.method = sip::Method::options;
  for (what.key = 1; what.key <= Exchanges::kMost; ++what.key)
    REQUIRE(between.exchanges.begin(what, "x", between.clock.now()));
  CHECK_FALSE(between.exchanges.begin(what, "x", between.clock.now()));
  between.pass(33s);
  CHECK(between.exchanges.empty());
  CHECK_FALSE(
      between.exchanges.begin(what, std::string(Exchanges::kMostOctets + 1, 'x'), between.clock.now()));
}

#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;
using test::SipText;

namespace {

const Peer kTrunk = GuardianHarness::peer("198.51.100.7:5060");

// A call as a client makes it: it sends its INVITE again after 500 ms, 1 s, 2 s … (RFC 3261 17.1.1.2).
struct ClientCall {
  SipText invite;
  Time next{};
  Duration wait = 500ms;
  bool through = false;
};

// What somebody who can forge the trunk's address, but sees nothing of what it gets, sends in its name.
std::string forged(GuardianHarness& g, unsigned i) {
  switch (i % 4) {
    case 0: {
      auto text = g.next("INVITE");
      text.extra = std::string("Subject: ") + '\0' + "\r\n";
      return text.request();
    }
    case 1: {
      auto text = g.next();
      text.extra = "User-Agent: friendly-scanner\r\n";
      return text.request();
    }
    case 2:
      return g.register_as("victim").request();
    default:
      return g.next("INVITE").request();
  }
}

// 10,000 forged packets a second for five seconds while the trunk makes a call every 50 ms.
void attack(const std::string& sipfile, unsigned calls_per_second) {
  GuardianHarness g(sipfile);
  REQUIRE(g.call(kTrunk));
  std::vector<ClientCall> calls;
  unsigned forged_through = 0;
  unsigned sent = 0;
  for (unsigned ms = 0; ms < 9000; ++ms) {
    g.host.clock.advance(1ms);
    const Time now = g.host.clock.now();
    for (unsigned i = 0; ms < 5000 && i < 10; ++i, ++sent)
      forged_through += g.passes(kTrunk, forged(g, sent));
    if (ms < 5000 && ms % (1000 / calls_per_second) == 0) calls.push_back({g.next("INVITE"), now});
    for (auto& call : calls) {
      if (call.through || call.next > now) continue;
      call.through = g.passes(kTrunk, call.invite.request());
      call.next = now + call.wait;
      call.wait *= 2;
      if (!call.through) continue;
      g.out(kTrunk, call.invite.response(200));
      auto ack = call.invite;
      ack.method = "ACK";
      ack.branch += "a";
      ack.to_tag = "pbxtag";
      CHECK(g.passes(kTrunk, ack.request()));
      auto bye = ack;
      bye.method = "BYE";
      bye.branch += "b";
      bye.cseq = 2;
      CHECK(g.passes(kTrunk, bye.request()));
    }
  }
  for (const auto& call : calls) CHECK(call.through);
  CHECK(calls.size() == 5 * calls_per_second);
  CHECK_FALSE(g.banned(kTrunk));
  CHECK_FALSE(g.soft_blocked(kTrunk));
  CHECK(forged_through < 5000);
}

}  // namespace

TEST_CASE("every call of a trunk gets through while 10,000 packets a second are forged in its name") {
  SECTION("with the defaults") {
    attack("sip_guardian", 20);
  }
  SECTION("with strict validation and the README's rates") {
    attack(
        "sip_guardian { validation { mode strict }; rate_limit { register 10/s burst 20; invite 5/s burst 10 "
        "} }",
        4);
  }
}

TEST_CASE("a forger cannot ban or silence a registered phone") {
  GuardianHarness g;
  const auto phone = GuardianHarness::peer("192.0.2.10:5060");
  CHECK(g.log_in(phone, "alice", 200));
  for (unsigned i = 0; i < 2000; ++i) g.in(phone, forged(g, i));
  const auto same_address = GuardianHarness::peer("192.0.2.10:9999");
  for (unsigned i = 0; i < 2000; ++i) g.in(same_address, forged(g, i));
  CHECK_FALSE(g.banned(phone));
  g.host.clock.advance(1s);
  CHECK(g.log_in(phone, "alice", 200));
  CHECK(g.call(phone));
}

TEST_CASE("refusals of what was forged in the trunk's name do not count against it") {
  GuardianHarness g;
  REQUIRE(g.call(kTrunk));
  for (int i = 0; i < 100; ++i) {
    g.host.clock.advance(10ms);
    g.exchange(kTrunk, g.next("INVITE"), 404);
    g.exchange(kTrunk, g.register_as("nobody"), 404);
  }
  CHECK_FALSE(g.banned(kTrunk));
  CHECK_FALSE(g.soft_blocked(kTrunk));
  CHECK(g.call(kTrunk));
}

TEST_CASE("a source that completes its calls is not slowed by the cap, however many it makes") {
  GuardianHarness g;
  unsigned refused = 0;
  for (int ms = 0; ms < 5000; ++ms) {
    g.host.clock.advance(1ms);
    refused += !g.call(kTrunk);
  }
  CHECK(refused == 0);
}

TEST_CASE("a flood of forged sources leaves the memory of the guardian as it was and bans nobody") {
  GuardianHarness g;
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    Peer peer = kTrunk;
    peer.remote.address = Address::v4(0xC6120000 + i);
    g.in(peer, forged(g, i));
  }
  CHECK(g.instance->store().size() == 0);
}

#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;

namespace {

const Peer kUdp = GuardianHarness::peer("192.0.2.10:5060");
const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);
constexpr const char* kFlood = "sip_guardian { flood { window 10s; max_requests 30; ban_time 3h } }";
constexpr const char* kWeighted =
    "sip_guardian { max_failures 1000; enumeration off; failed_auth_ban { threshold 10 } }";

std::string reason_of_ban(GuardianHarness& g) {
  const auto bans = g.instance->store().list({}).bans;
  return bans.empty() ? "none" : bans[0]->reason;
}
// How many of `packets` pass.
int burst(GuardianHarness& g, const Peer& from, int packets, Duration apart) {
  int passed = 0;
  for (int i = 0; i < packets; ++i) {
    g.host.clock.advance(apart);
    passed += g.passes(from, g.next(i % 2 == 0 ? "OPTIONS" : "MESSAGE").request());
  }
  return passed;
}
// The PBX's final answer; whether it goes on to the client.
bool relayed(GuardianHarness& g, const Peer& to, const std::string& octets) {
  auto& worker = g.host.workers.at(0);
  Packet packet(worker, Direction::outbound);
  packet.assign(to, octets);
  const bool out = g.handler->on_outbound(packet) == Verdict::next;
  worker.sources().outbound(packet.sip(), to, packet.transaction(), worker.now());
  return out;
}

}  // namespace

TEST_CASE("more packets than a flood may have ban a proven source, for its own time") {
  GuardianHarness g(kFlood);
  CHECK(burst(g, kTcp, 60, 100ms) == 30);
  CHECK(reason_of_ban(g) == "flood");
  const auto ban = g.instance->store().list({}).bans.at(0);
  CHECK(ban->expires_at - ban->banned_at == 3h);
  GuardianHarness slow(kFlood);
  CHECK(burst(slow, kTcp, 200, 400ms) == 200);
}

TEST_CASE("an unproven flood is dropped and soft-blocked, and a registered phone of that name goes on") {
  GuardianHarness g(kFlood);
  CHECK(burst(g, kUdp, 60, 100ms) == 30);
  CHECK(g.soft_blocked(kUdp));
  CHECK_FALSE(g.banned(kUdp));
  GuardianHarness h(kFlood);
  CHECK(h.log_in(kUdp, "alice", 200));
  burst(h, kUdp, 100, 10ms);
  CHECK(h.log_in(kUdp, "alice", 200));
  CHECK_FALSE(h.banned(kUdp));
}

TEST_CASE("of several phones behind an address the one that floods is stopped") {
  GuardianHarness g(kFlood);
  const auto phone = GuardianHarness::peer("192.0.2.20:6000", Transport::tcp);
  CHECK(g.log_in(phone, "500", 200));
  CHECK(burst(g, kTcp, 100, 10ms) < 60);
  CHECK(g.ban_scope(kTcp) == "flow");
  CHECK(g.log_in(phone, "500", 200));
}

TEST_CASE("a flood in shadow passes, and without the option there is none") {
  GuardianHarness g("sip_guardian { flood { shadow } }");
  CHECK(burst(g, kTcp, 100, 10ms) == 100);
  GuardianHarness h;
  CHECK(burst(h, kTcp, 100, 10ms) == 100);
}

TEST_CASE("refused credentials weigh 3 of 10, and success takes back those of its user only") {
  GuardianHarness g(kWeighted);
  for (int i = 0; i < 3; ++i) CHECK(g.log_in(kTcp, "alice", 401));
  CHECK_FALSE(g.banned(kTcp));
  CHECK(g.log_in(kTcp, "alice", 200));
  for (int i = 0; i < 3; ++i) CHECK(g.log_in(kTcp, "alice", 401));
  CHECK_FALSE(g.banned(kTcp));
  CHECK(g.log_in(kTcp, "bob", 401));
  CHECK(reason_of_ban(g) == "failed_auth");
}

TEST_CASE(
    "challenges that nobody answers for 30 s weigh 1 each in failed_auth_ban and nothing in max_failures") {
  GuardianHarness g(kWeighted);
  for (int i = 0; i < 10; ++i)
    CHECK(g.exchange(kTcp, g.register_as("u" + std::to_string(i)), 401, GuardianHarness::challenge("n")));
  g.host.clock.advance(29s);
  CHECK(g.passes(kTcp, g.next().request()));
  CHECK_FALSE(g.banned(kTcp));
  g.host.clock.advance(1s);
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
  CHECK(reason_of_ban(g) == "failed_auth");

  GuardianHarness off("sip_guardian { enumeration off }");
  for (int i = 0; i < 50; ++i)
    CHECK(off.exchange(kTcp, off.register_as("u" + std::to_string(i)), 401, GuardianHarness::challenge("n")));
  off.host.clock.advance(40s);
  CHECK(off.passes(kTcp, off.next().request()));
  CHECK(off.total(Tally::failures) == 0);
}

TEST_CASE("over UDP open challenges soft-block, and an office that has phones there is spared") {
  GuardianHarness g(kWeighted);
  for (int i = 0; i < 10; ++i)
    CHECK(g.exchange(kUdp, g.register_as("u" + std::to_string(i)), 401, GuardianHarness::challenge("n")));
  g.host.clock.advance(30s);
  g.passes(kUdp, g.next().request());
  CHECK(g.soft_blocked(kUdp));
  CHECK_FALSE(g.banned(kUdp));

  GuardianHarness office(kWeighted);
  CHECK(office.log_in(GuardianHarness::peer("192.0.2.20:6000"), "500", 200));
  for (int i = 0; i < 10; ++i)
    CHECK(office.exchange(kTcp, office.register_as("u" + std::to_string(i)), 401,
                          GuardianHarness::challenge("n")));
  office.host.clock.advance(30s);
  CHECK(office.passes(kTcp, office.next().request()));
}

TEST_CASE("forged nonces and streams that are no SIP are strong signals") {
  GuardianHarness g(kWeighted);
  for (int i = 0; i < 5; ++i) {
    auto text = g.register_as("alice");
    text.extra += GuardianHarness::credentials("alice", "made up");
    g.exchange(kTcp, text, 401, GuardianHarness::challenge("new" + std::to_string(i)));
  }
  CHECK(reason_of_ban(g) == "failed_auth");
  GuardianHarness h(kWeighted);
  for (int i = 0; i < 4; ++i)
    h.handler->on_stream_fault(h.host.workers.at(0), {kTcp.remote, kTcp.local, kTcp.transport}, "x");
  CHECK(reason_of_ban(h) == "failed_auth");
}

TEST_CASE("whoever proved nothing gets the final answer to an INVITE twice") {
  GuardianHarness g;
  const auto invite = g.next("INVITE");
  REQUIRE(g.passes(kUdp, invite.request()));
  CHECK(relayed(g, kUdp, invite.response(180)));
  CHECK(relayed(g, kUdp, invite.response(180)));
  CHECK(relayed(g, kUdp, invite.response(404)));
  CHECK(relayed(g, kUdp, invite.response(404)));
  for (int i = 0; i < 8; ++i) CHECK_FALSE(relayed(g, kUdp, invite.response(404)));
  // Another call, and other requests, are not held back.
  CHECK(g.exchange(kUdp, g.next("INVITE"), 486));
  const auto options = g.next("OPTIONS");
  REQUIRE(g.passes(kUdp, options.request()));
  for (int i = 0; i < 5; ++i) CHECK(relayed(g, kUdp, options.response(200)));
}

TEST_CASE("streams, proven sources and shadow get every copy") {
  for (const auto& [peer, text] :
       {std::pair{kTcp, "sip_guardian"}, {kUdp, "sip_guardian"}, {kUdp, "sip_guardian { mode shadow }"}}) {
    GuardianHarness g(text);
    if (!is_stream(peer.transport) && std::string_view(text) == "sip_guardian") REQUIRE(g.call(peer));
    const auto invite = g.next("INVITE");
    REQUIRE(g.passes(peer, invite.request()));
    for (int i = 0; i < 6; ++i) CHECK(relayed(g, peer, invite.response(486)));
  }
}

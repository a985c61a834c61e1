#include "guardian.hpp"

#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;

namespace {

const Peer kPhone = GuardianHarness::peer("192.0.2.10:5060");
const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);

std::string scanner(GuardianHarness& g) {
  auto text = g.next();
  text.extra = "User-Agent: friendly-scanner\r\n";
  return text.request();
}

std::string with_nul(GuardianHarness& g) {
  auto text = g.next();
  text.extra = std::string("Subject: a") + '\0' + "b\r\n";
  return text.request();
}

}  // namespace

TEST_CASE("good messages pass, requests, answers and keep-alives alike") {
  GuardianHarness g("sip_guardian { validation { mode strict } }");
  CHECK(g.passes(kPhone, g.next().request()));
  CHECK(g.passes(kTcp, g.next("INVITE").request()));
  CHECK(g.passes(kPhone, g.next().response(200)));
  CHECK(g.total(Tally::requests) == 2);
  CHECK(g.total(Tally::blocked) == 0);
}

TEST_CASE("a scanner over TCP is banned at once, its streams are closed, and it is shut out") {
  GuardianHarness g;
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
  CHECK(g.ban_scope(kTcp) == "address");
  REQUIRE(g.host.workers.at(0).closed_sources.size() == 1);
  CHECK(g.host.workers.at(0).closed_sources[0].contains(kTcp.remote.address));
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
  const auto ban = g.instance->store().list({}).bans.at(0);
  CHECK(ban->reason == "scanner");
  CHECK(ban->evidence == Evidence::proven);
  CHECK(ban->proof == Proof::handshake);
  CHECK(ban->signals.size() == 1);
  CHECK(ban->excerpt.find("OPTIONS sip:100@example.com") != std::string::npos);
  CHECK(ban->hits == 1);
  g.host.clock.advance(1h);
  CHECK(g.passes(kTcp, g.next().request()));
}

TEST_CASE("a lone forged packet bans nobody, whatever it holds") {
  GuardianHarness g;
  CHECK_FALSE(g.passes(kPhone, with_nul(g)));
  CHECK_FALSE(g.passes(kPhone, scanner(g)));
  CHECK_FALSE(g.banned(kPhone));
  CHECK_FALSE(g.soft_blocked(kPhone));
  CHECK(g.passes(kPhone, g.next().request()));
}

TEST_CASE("unproven evidence that repeats soft-blocks the address for new requests only") {
  GuardianHarness g;
  const auto known = g.next("INVITE");
  CHECK(g.passes(kPhone, known.request()));
  const auto proven = GuardianHarness::peer("192.0.2.10:5062");
  CHECK(g.call(proven));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(g.passes(kPhone, scanner(g)));
  CHECK(g.soft_blocked(kPhone));
  CHECK_FALSE(g.banned(kPhone));

  CHECK_FALSE(g.passes(kPhone, g.next().request()));
  CHECK(g.passes(proven, g.next("INVITE").request()));  // proved itself from that port
  CHECK(g.passes(kPhone, known.request()));             // a retransmission
  auto cancel = known;
  cancel.method = "CANCEL";
  CHECK(g.passes(kPhone, cancel.request()));
  CHECK(g.passes(kPhone, g.next().response(200)));  // an answer to the PBX

  g.host.clock.advance(60s);
  CHECK(g.passes(kPhone, g.next().request()));
}

TEST_CASE("with evidence any a packet counts like proof, as the README has it") {
  GuardianHarness g("sip_guardian { evidence any }");
  CHECK_FALSE(g.passes(kPhone, scanner(g)));
  CHECK(g.banned(kPhone));
}

TEST_CASE("a whitelisted source is never judged, and whitelisting lifts its ban") {
  GuardianHarness g("sip_guardian { whitelist 192.0.2.0/24; rate_limit { options 1/s burst 1 } }");
  for (int i = 0; i < 10; ++i) CHECK(g.passes(kTcp, scanner(g)));
  CHECK_FALSE(g.banned(kTcp));

  GuardianHarness h;
  CHECK_FALSE(h.passes(kTcp, scanner(h)));
  h.instance->whitelist("192.0.2.20", {*Cidr::parse("192.0.2.20")});
  CHECK_FALSE(h.banned(kTcp));
  CHECK(h.passes(kTcp, scanner(h)));
}

TEST_CASE("a whitelisted name holds the addresses it resolves to") {
  GuardianHarness g("sip_guardian { whitelist trunk.example.com }");
  REQUIRE(g.host.resolver.watched.size() == 1);
  g.host.resolver.watched[0].second({*Endpoint::parse("192.0.2.20:5060")});
  CHECK(g.passes(kTcp, scanner(g)));
  g.host.resolver.watched[0].second({*Endpoint::parse("192.0.2.21:5060")});
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
}

TEST_CASE("a protected address is judged but never banned or soft-blocked") {
  GuardianHarness g;
  const auto guard = g.host.protected_addresses.add("upstream", {kTcp.remote.address, kPhone.remote.address});
  for (int i = 0; i < 20; ++i) {
    CHECK_FALSE(g.passes(kTcp, scanner(g)));
    CHECK_FALSE(g.passes(kPhone, scanner(g)));
  }
  CHECK_FALSE(g.banned(kTcp));
  CHECK_FALSE(g.soft_blocked(kPhone));
  CHECK(g.passes(kPhone, g.next().request()));
  CHECK(g.passes(kTcp, g.next().request()));
}

TEST_CASE("malformed messages of a stream ban after max_failures in strict mode, and never in permissive") {
  auto broken = [](GuardianHarness& g) {
    auto text = g.next().request();
    return text.erase(text.find("Call-ID"), text.find("CSeq") - text.find("Call-ID"));
  };
  GuardianHarness strict("sip_guardian { validation { mode strict } }");
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(strict.banned(kTcp));
    CHECK_FALSE(strict.passes(kTcp, broken(strict)));
  }
  CHECK(strict.banned(kTcp));
  CHECK(strict.total(Tally::validation_failures) == 5);

  GuardianHarness permissive;
  for (int i = 0; i < 50; ++i) permissive.in(kTcp, broken(permissive));
  CHECK_FALSE(permissive.banned(kTcp));
}

TEST_CASE("streams that are no SIP count in strict mode") {
  GuardianHarness g("sip_guardian { validation { mode strict } }");
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(g.banned(kTcp));
    g.handler->on_stream_fault(g.host.workers.at(0), {kTcp.remote, kTcp.local, kTcp.transport}, "not_sip");
  }
  CHECK(g.banned(kTcp));
}

TEST_CASE("a rate limits each method of each source; a retransmission costs nothing") {
  GuardianHarness g("sip_guardian { rate_limit { register 10/s burst 2 } }");
  const auto first = g.register_as("100");
  CHECK(g.passes(kPhone, first.request()));
  for (int i = 0; i < 10; ++i) CHECK(g.passes(kPhone, first.request()));
  CHECK(g.passes(kPhone, g.register_as("101").request()));
  const auto third = g.register_as("102");
  CHECK_FALSE(g.passes(kPhone, third.request()));
  CHECK(g.passes(kPhone, g.next().request()));
  CHECK(g.passes(GuardianHarness::peer("192.0.2.11:5060"), g.register_as("103").request()));
  CHECK(g.total(Tally::rate_limited) == 1);
  CHECK_FALSE(g.banned(kPhone));
  g.host.clock.advance(100ms);
  CHECK(g.passes(kPhone, third.request()));
}

TEST_CASE("a rate that the Sipfile gives a method replaces the cap that always stands") {
  GuardianHarness g("sip_guardian { rate_limit { options 5000/s burst 5000; strangers 5000/s burst 5000 } }");
  for (int i = 0; i < 1000; ++i) CHECK(g.passes(kPhone, g.next().request()));
  int through = 0;
  for (int i = 0; i < 1000; ++i) through += g.passes(kPhone, g.next("INVITE").request());
  CHECK(through == 400);
}

TEST_CASE("what ends or confirms a call and emergency calls pass any rate") {
  GuardianHarness g("sip_guardian { rate_limit { any 1/s burst 1 } }");
  CHECK(g.passes(kPhone, g.next().request()));
  CHECK_FALSE(g.passes(kPhone, g.next().request()));
  auto sos = g.next("INVITE");
  sos.uri = "urn:service:sos";
  CHECK(g.passes(kPhone, sos.request()));
  CHECK(g.passes(kPhone, g.next("BYE").request()));
  CHECK(g.passes(kPhone, g.next("CANCEL").request()));
}

TEST_CASE("shadow decides and counts but stops nobody, except whom people banned") {
  GuardianHarness g("sip_guardian { mode shadow; rate_limit { options 1/s burst 1 } }");
  for (int i = 0; i < 20; ++i) {
    CHECK(g.passes(kTcp, scanner(g)));
    CHECK(g.passes(kPhone, scanner(g)));
  }
  CHECK_FALSE(g.banned(kTcp));
  CHECK_FALSE(g.soft_blocked(kPhone));
  auto ban = std::make_unique<Ban>(Scope::address, *Cidr::parse("192.0.2.20"), Port{0}, 0);
  ban->automatic = false;
  g.instance->ban_by_hand(std::move(ban), 1h);
  g.host.workers.run();
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
}

TEST_CASE("only whoever proved himself gets an answer when on_block says so") {
  GuardianHarness g("sip_guardian { on_block reply 403 }");
  CHECK(g.in(kPhone, scanner(g)) == Verdict::drop);
  CHECK(g.host.workers.at(0).replies.empty());
  CHECK(g.in(kTcp, scanner(g)) == Verdict::consumed);
  REQUIRE(g.host.workers.at(0).replies.size() == 1);
  CHECK(g.host.workers.at(0).replies[0].status == 403);
}

TEST_CASE("a rejected message is answered for proven sources and silent for others") {
  GuardianHarness g("sip_guardian { validation { mode strict } }");
  auto text = g.next();
  text.uri = "<sip:100@example.com>";
  CHECK(g.in(kTcp, text.request()) == Verdict::consumed);
  CHECK(g.host.workers.at(0).replies.size() == 1);
  text = g.next();
  text.uri = "<sip:100@example.com>";
  CHECK(g.in(kPhone, text.request()) == Verdict::drop);
  CHECK(g.host.workers.at(0).replies.size() == 1);
}

TEST_CASE("a ban made on one worker holds on every worker, and so does lifting it") {
  GuardianHarness g("sip_guardian", 3);
  CHECK(g.in(kTcp, scanner(g), 0) == Verdict::drop);
  for (std::size_t w = 0; w < 3; ++w) CHECK(g.in(kTcp, g.next().request(), w) == Verdict::drop);
  CHECK(g.instance->unban(*Cidr::parse("192.0.2.20")));
  g.host.workers.run();
  for (std::size_t w = 0; w < 3; ++w) CHECK(g.in(kTcp, g.next().request(), w) == Verdict::next);
  CHECK_FALSE(g.instance->unban(*Cidr::parse("192.0.2.20")));
}

TEST_CASE("bans and counts survive a reload, and handlers of one name share them") {
  GuardianHarness g;
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
  auto old = std::move(g.handler);
  g.host.scope = BuildScope();
  g.host.endpoints = HttpEndpoints();
  g.add("sip_guardian { max_failures 9 }");
  old.reset();
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
  CHECK(g.total(Tally::bans) == 1);
}

TEST_CASE("an IPv6 attacker is banned with his /64") {
  GuardianHarness g;
  CHECK_FALSE(g.passes(GuardianHarness::peer("[2001:db8::1]:40000", Transport::tcp), scanner(g)));
  CHECK_FALSE(g.passes(GuardianHarness::peer("[2001:db8::2]:40000", Transport::tcp), g.next().request()));
  CHECK(g.passes(GuardianHarness::peer("[2001:db8:0:1::1]:40000", Transport::tcp), g.next().request()));
}

TEST_CASE("bad answers of a registered phone are dropped and weigh nothing, its bad requests count") {
  const auto transport = GENERATE(Transport::udp, Transport::tcp);
  GuardianHarness g("sip_guardian { validation { mode strict } }");
  const auto phone = transport == Transport::udp ? kPhone : kTcp;
  REQUIRE(g.log_in(phone, "100", 200));
  for (int i = 0; i < 20; ++i) {
    auto call = g.next("INVITE");
    g.out(phone, call.request());  // the PBX calls; the phone repeats its tag
    const bool nul = i % 2 == 0;
    CHECK_FALSE(g.passes(phone, call.response(200, "phonetag",
                                              nul ? std::string("Subject: a") + '\0' + "b\r\n"
                                                  : std::string("Contact: <sip:100@192.0.2.10\r\n"))));
  }
  CHECK(g.total(Tally::failures) == 0);
  CHECK_FALSE(g.banned(phone));
  CHECK(g.passes(phone, g.next().request()));
  CHECK_FALSE(g.passes(phone, with_nul(g)));
  CHECK(g.total(Tally::failures) == (transport == Transport::tcp ? 1U : 0U));
}

TEST_CASE("bad answers of a stranger's stream count") {
  GuardianHarness g("sip_guardian { validation { mode strict } }");
  CHECK_FALSE(
      g.passes(kTcp, g.next("INVITE").response(200, "t", std::string("Subject: a") + '\0' + "b\r\n")));
  CHECK(g.banned(kTcp));
}

TEST_CASE("over a stream a request over the rate goes through, and its connection is read more slowly") {
  GuardianHarness g("sip_guardian { rate_limit { options 10/s burst 2 } }");
  auto& worker = g.host.workers.at(0);
  for (int i = 0; i < 2; ++i) CHECK(g.passes(kTcp, g.next().request()));
  CHECK(worker.delayed.empty());
  CHECK(g.passes(kTcp, g.next().request()));
  REQUIRE(worker.delayed.size() == 1);
  CHECK(worker.delayed[0].first.connection == kTcp.connection);
  CHECK(worker.delayed[0].second == 100ms);
  CHECK(g.total(Tally::rate_limited) == 1);
  int passed = 0;  // an application that does not wait
  while (passed < 1000 && g.passes(kTcp, g.next().request())) ++passed;
  CHECK(passed == 199);
  CHECK_FALSE(g.banned(kTcp));
}

TEST_CASE("all strangers together get so much, and what is sent again, and nobody else pays for it") {
  GuardianHarness g("sip_guardian { rate_limit { strangers 10/s burst 20 } }");
  CHECK(g.log_in(kPhone, "100", 200));
  g.host.clock.advance(10s);
  const auto stranger = [](int i) {
    return GuardianHarness::peer("198.51.100." + std::to_string(i) + ":5060");
  };
  int passed = 0;
  for (int i = 1; i < 200; ++i) passed += g.passes(stranger(i), g.next("INVITE").request());
  CHECK(passed == 20);
  const auto first = g.register_as("200");
  const auto late = stranger(250);
  CHECK_FALSE(g.passes(late, first.request()));
  g.host.clock.advance(50ms);
  CHECK_FALSE(g.passes(late, first.request()));
  CHECK(g.passes(kPhone, g.next("INVITE").request()));
  CHECK(g.passes(kTcp, g.next().request()));
  g.host.clock.advance(450ms);
  for (int i = 1; i < 200; ++i) g.passes(stranger(i), g.next("INVITE").request());
  CHECK(g.passes(late, first.request()));
}

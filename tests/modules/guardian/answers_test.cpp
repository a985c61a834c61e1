#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;

namespace {

const Peer kUdp = GuardianHarness::peer("192.0.2.10:5060");
const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);

}  // namespace

TEST_CASE("five wrong passwords ban, over UDP and TCP, with the nonce as proof") {
  for (const auto& peer : {kUdp, kTcp}) {
    GuardianHarness g;
    for (int i = 0; i < 5; ++i) {
      CHECK_FALSE(g.banned(peer));
      CHECK(g.log_in(peer, "alice", 401));
    }
    CHECK(g.ban_scope(peer) == "address");
    CHECK_FALSE(g.log_in(peer, "alice", 200));
    const auto ban = g.instance->store().list({}).bans.at(0);
    CHECK(ban->reason == "wrong_password");
    CHECK(ban->evidence == Evidence::proven);
    CHECK(ban->signals.size() == 5);
  }
}

TEST_CASE("a password typed wrong four times and then right bans nobody, however often") {
  GuardianHarness g;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 4; ++i) CHECK(g.log_in(kUdp, "alice", 401));
    CHECK(g.log_in(kUdp, "alice", 200));
  }
  CHECK_FALSE(g.banned(kUdp));
}

TEST_CASE("challenges that nobody answers and a PBX that fails count against nobody") {
  GuardianHarness g;
  for (int i = 0; i < 50; ++i)
    CHECK(g.exchange(kTcp, g.register_as("alice"), 401, GuardianHarness::challenge("n")));
  for (int i = 0; i < 50; ++i) CHECK(g.exchange(kTcp, g.register_as("alice"), 503));
  for (int i = 0; i < 50; ++i) CHECK(g.exchange(kUdp, g.next("INVITE"), 486));
  CHECK_FALSE(g.banned(kTcp));
  CHECK_FALSE(g.soft_blocked(kUdp));
  CHECK(g.total(Tally::failures) == 0);
}

TEST_CASE("a retransmitted answer is weighed once") {
  GuardianHarness g;
  const auto text = g.next();
  CHECK(g.passes(kTcp, text.request()));
  for (int i = 0; i < 10; ++i) g.out(kTcp, text.response(404));
  CHECK(g.total(Tally::failures) == 1);
  CHECK_FALSE(g.banned(kTcp));
}

TEST_CASE("who asks for users that the PBX does not know is banned on a stream and soft-blocked on UDP") {
  GuardianHarness g;
  for (const char* method : {"REGISTER", "OPTIONS", "SUBSCRIBE", "MESSAGE", "INVITE"}) {
    CHECK(g.exchange(kTcp, g.next(method), 404));
    CHECK(g.exchange(kUdp, g.next(method), 404));
  }
  CHECK(g.banned(kTcp));
  CHECK_FALSE(g.banned(kUdp));
  CHECK(g.soft_blocked(kUdp));
  CHECK_FALSE(g.passes(kUdp, g.next().request()));
}

TEST_CASE("over UDP the ACK proves who sent an INVITE that was refused, and bans") {
  GuardianHarness g;
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(g.banned(kUdp));
    auto invite = g.next("INVITE");
    CHECK(g.exchange(kUdp, invite, 404));
    invite.method = "ACK";
    invite.to_tag = "pbxtag";
    CHECK(g.passes(kUdp, invite.request()));
  }
  CHECK(g.banned(kUdp));
  CHECK(g.instance->store().list({}).bans.at(0)->proof == Proof::to_tag);
}

TEST_CASE("a registered phone may misdial as often as it likes") {
  for (const auto& peer : {kUdp, kTcp}) {
    GuardianHarness g;
    CHECK(g.log_in(peer, "alice", 200));
    for (int i = 0; i < 10; ++i) {
      auto invite = g.next("INVITE");
      CHECK(g.exchange(peer, invite, 404));
      invite.method = "ACK";
      invite.to_tag = "pbxtag";
      CHECK(g.passes(peer, invite.request()));
    }
    CHECK_FALSE(g.banned(peer));
    CHECK_FALSE(g.soft_blocked(peer));
  }
}

TEST_CASE("a nonce from before a restart is forgiven once, stale ones for a while") {
  GuardianHarness g;
  for (int i = 0; i < 6; ++i) {
    auto text = g.register_as("alice");
    text.extra += GuardianHarness::credentials("alice", "cached");
    CHECK(g.exchange(kTcp, text, 401, GuardianHarness::challenge("new", true)));
  }
  CHECK(g.total(Tally::failures) == 1);
  GuardianHarness h;
  for (int i = 0; i < 3; ++i) {
    auto text = h.register_as("alice");
    text.extra += GuardianHarness::credentials("alice", "cached");
    CHECK(h.exchange(kTcp, text, 401, GuardianHarness::challenge("new" + std::to_string(i))));
  }
  CHECK(h.total(Tally::failures) == 2);
}

TEST_CASE("one phone with a wrong password does not cut off its office") {
  GuardianHarness g;
  const auto phone = [](int i) { return GuardianHarness::peer("192.0.2.10:" + std::to_string(6000 + i)); };
  for (int i = 0; i < 100; ++i) REQUIRE(g.log_in(phone(i), std::to_string(100 + i), 200));
  const auto bad = phone(100);
  bool cut = false;
  for (int i = 0; i < 30 && !cut; ++i) cut = !g.log_in(bad, "200", 401);
  CHECK(cut);
  CHECK(g.ban_scope(bad) == "identity");
  CHECK(g.log_in(phone(7), "107", 200));
  CHECK(g.passes(phone(8), g.next("INVITE").request()));
  // The user itself may still be called and register from elsewhere.
  CHECK(g.log_in(GuardianHarness::peer("198.51.100.1:5060"), "200", 200));
}

TEST_CASE("one good account does not buy guesses for others") {
  for (const auto& peer : {kUdp, kTcp}) {
    GuardianHarness g;
    CHECK(g.log_in(peer, "mallory", 200));
    int guesses = 0;
    for (int i = 0; i < 100; ++i) {
      if (!g.log_in(peer, std::to_string(100 + i), 401)) break;
      ++guesses;
      if (!g.log_in(peer, "mallory", 200)) break;
    }
    CHECK(guesses <= 5);
    CHECK(g.ban_scope(peer) == "address");
  }
}

TEST_CASE("nor does it when it is registered twice") {
  GuardianHarness g;
  CHECK(g.log_in(GuardianHarness::peer("192.0.2.10:7000"), "mallory", 200));
  CHECK(g.log_in(kUdp, "mallory", 200));
  int guesses = 0;
  while (guesses < 100 && g.log_in(kUdp, std::to_string(100 + guesses), 401)) ++guesses;
  CHECK(guesses <= 5);
  CHECK(g.ban_scope(kUdp) == "address");
}

TEST_CASE("who guesses one user's password from one port after the other is stopped at that user") {
  GuardianHarness g;
  CHECK(g.log_in(GuardianHarness::peer("192.0.2.10:6000"), "100", 200));
  const auto from = [](int i) { return GuardianHarness::peer("192.0.2.10:" + std::to_string(7000 + i)); };
  for (int i = 0; i < 3; ++i) CHECK(g.log_in(from(i), std::to_string(500 + i), 401));
  int guesses = 0;
  while (guesses < 100 && g.log_in(from(10 + guesses), "600", 401)) ++guesses;
  CHECK(guesses == 5);
  CHECK(g.log_in(GuardianHarness::peer("192.0.2.10:6000"), "100", 200));
}

TEST_CASE("an accepted call does not excuse its caller's guesses") {
  GuardianHarness g;
  CHECK(g.call(kTcp));
  int guesses = 0;
  while (guesses < 100 && g.exchange(kTcp, g.next("INVITE"), 404)) ++guesses;
  CHECK(guesses == 5);
}

TEST_CASE("who guesses behind an office is stopped at his own port") {
  GuardianHarness g;
  const auto phone = GuardianHarness::peer("192.0.2.10:6000");
  const auto attacker = GuardianHarness::peer("192.0.2.10:7000");
  CHECK(g.log_in(phone, "100", 200));
  int guesses = 0;
  while (guesses < 100 && g.log_in(attacker, std::to_string(500 + guesses), 401)) ++guesses;
  CHECK(guesses == 5);
  CHECK(g.ban_scope(attacker) == "flow");
  CHECK(g.log_in(phone, "100", 200));
}

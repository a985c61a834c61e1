#include <catch2/catch.hpp>

#include "desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

const Peer kClient = udp_client("198.51.100.7:5062");
const Peer kForger = udp_client("203.0.113.66:5060");

}  // namespace

TEST_CASE("a nonce proves the address that it was sent to, and no other") {
  for (const auto& [header, echo] : {std::pair{"WWW-Authenticate", "Authorization"},
                                     std::pair{"Proxy-Authenticate", "Proxy-Authorization"}}) {
    INFO(header);
    Desk desk;
    auto text = sip_of("REGISTER");
    desk.begin(text.request(), kClient);
    CHECK(desk.standing(kClient).evidence == Evidence::unproven);
    desk.out(text.response(header == std::string_view("WWW-Authenticate") ? 401 : 407, "t",
                           challenge("abc", header)),
             kClient);
    CHECK(desk.standing(kClient).evidence == Evidence::unproven);  // sent is not echoed
    text.branch = "z9hG4bKsecond";
    text.cseq = 2;
    text.extra = credentials("abc", "alice", echo);
    CHECK(desk.in(text.request(), kForger) == Proof::none);
    CHECK(desk.standing(kForger).evidence == Evidence::unproven);
    CHECK(desk.in(text.request(), udp_client("198.51.100.7:9999")) ==
          Proof::nonce);  // a NAT may change the port
    CHECK(desk.in(text.request(), kClient) == Proof::nonce);
    CHECK(desk.standing(kClient).evidence == Evidence::proven);
    CHECK(desk.standing(kClient).proof == Proof::nonce);
    CHECK(desk.begin(text.request(), kClient)->nonce_known);
  }
}

TEST_CASE("a nonce proves nothing that was never sent, was sent too long ago or is not whole") {
  Desk desk;
  auto text = sip_of("REGISTER");
  desk.begin(text.request(), kClient);
  desk.out(
      text.response(401, "t", challenge("abc") + "Proxy-Authenticate: Digest realm=\"x\", nonce=\"\"\r\n"),
      kClient);
  text.extra = credentials("abd");
  CHECK(desk.in(text.request(), kClient) == Proof::none);
  text.extra = credentials("");
  CHECK(desk.in(text.request(), kClient) == Proof::none);
  text.extra = credentials("ABC");
  CHECK(desk.in(text.request(), kClient) == Proof::none);
  text.extra = credentials("abc");
  desk.clock.advance(5min - 1ns);
  CHECK(desk.in(text.request(), kClient) == Proof::nonce);
  desk.clock.advance(1ns);
  CHECK(desk.in(text.request(), kClient) == Proof::none);
}

TEST_CASE("only 401 and 407 make nonces known") {
  Desk desk;
  auto text = sip_of("REGISTER");
  desk.begin(text.request(), kClient);
  desk.out(text.response(403, "t", challenge("abc")), kClient);
  text.extra = credentials("abc");
  CHECK(desk.in(text.request(), kClient) == Proof::none);
}

TEST_CASE("a To tag that the upstream gave proves the client that echoes it") {
  Desk desk;
  auto invite = sip_of("INVITE");
  desk.begin(invite.request(), kClient);
  desk.out(invite.response(200, "secret"), kClient);
  auto ack = invite;
  ack.method = "ACK";
  ack.to_tag = "guess";
  CHECK(desk.in(ack.request(), kClient) == Proof::none);
  ack.to_tag = "secret";
  CHECK(desk.in(ack.request(), kForger) == Proof::none);
  auto elsewhere = ack;
  elsewhere.call_id = "another";
  CHECK(desk.in(elsewhere.request(), kClient) == Proof::none);
  CHECK(desk.in(ack.request(), kClient) == Proof::to_tag);
  CHECK(desk.standing(kClient).proof == Proof::to_tag);
}

TEST_CASE("which answers make a To tag known") {
  struct Case {
    const char* method;
    int status;
    bool known;
  };
  for (const auto& c : {Case{"INVITE", 100, false}, Case{"INVITE", 183, true}, Case{"INVITE", 200, true},
                        Case{"INVITE", 486, true}, Case{"SUBSCRIBE", 200, true}, Case{"REFER", 202, true},
                        Case{"OPTIONS", 200, false}, Case{"REGISTER", 200, false}}) {
    INFO(c.method << ' ' << c.status);
    Desk desk;
    auto text = sip_of(c.method);
    desk.begin(text.request(), kClient);
    desk.out(text.response(c.status, "secret"), kClient);
    text.to_tag = "secret";
    text.branch = "z9hG4bKlater";
    CHECK((desk.in(text.request(), kClient) == Proof::to_tag) == c.known);
  }
}

TEST_CASE("an answer with the upstream's From tag proves the client") {
  Desk desk;
  auto call = sip_of("INVITE");
  call.from_tag = "pbxtag";
  desk.out(call.request(), kClient);
  CHECK(desk.in(call.response(200, "mine"), kForger) == Proof::none);
  auto other = call;
  other.from_tag = "guess";
  CHECK(desk.in(other.response(200, "mine"), kClient) == Proof::none);
  CHECK(desk.in(call.response(200, "mine"), kClient) == Proof::to_tag);
}

TEST_CASE("an answer to OPTIONS that was sent there proves the client, in words of its own") {
  Desk desk;
  auto ping = sip_of("OPTIONS");
  ping.from_tag = "ours";
  desk.out(ping.request(), kClient);
  CHECK(desk.in(ping.response(481, "mine"), kForger) == Proof::none);
  CHECK(desk.in(ping.response(481, "mine"), kClient) == Proof::options);
  CHECK(desk.standing(kClient).proof == Proof::options);
}

TEST_CASE("an accepted call makes its caller trusted for ten minutes, and only one that proved himself") {
  for (const int status : {183, 200, 486}) {
    INFO(status);
    Desk desk;
    auto invite = sip_of("INVITE");
    desk.begin(invite.request(), kClient);
    desk.out(invite.response(status, "secret"), kClient);
    CHECK(desk.standing(kClient).evidence == Evidence::unproven);
    auto ack = invite;
    ack.method = "ACK";
    ack.to_tag = "secret";
    desk.in(ack.request(), kClient);
    CHECK(desk.standing(kClient).evidence == (status == 200 ? Evidence::trusted : Evidence::proven));
    CHECK(desk.standing(kClient).proof == Proof::to_tag);
    desk.clock.advance(10min);
    CHECK(desk.standing(kClient).evidence == Evidence::unproven);
  }
}

TEST_CASE("an accepted call over a stream makes that connection trusted") {
  Desk desk;
  const auto stream = tcp_client("198.51.100.7:5062", 3);
  CHECK(desk.sources.standing(stream, desk.clock.now()).evidence == Evidence::proven);
  auto invite = sip_of("INVITE");
  desk.begin(invite.request(), stream);
  desk.out(invite.response(200, "secret"), stream);
  CHECK(desk.sources.standing(stream, desk.clock.now()).evidence == Evidence::trusted);
  CHECK(desk.sources.standing(stream, desk.clock.now()).proof == Proof::handshake);
  CHECK(desk.standing(kClient).evidence == Evidence::unproven);
}

TEST_CASE("a stream is proven by its handshake, and proves nothing about datagrams from there") {
  Desk desk;
  SipText text;
  const auto stream = tcp_client("198.51.100.7:5062", 3);
  CHECK(desk.in(text.request(), stream) == Proof::handshake);
  CHECK(desk.standing(kClient).evidence == Evidence::unproven);
}

TEST_CASE("a proof holds for ten minutes after the last one") {
  Desk desk;
  auto text = sip_of("REGISTER");
  const auto prove = [&] {
    ++text.cseq;
    text.extra.clear();
    desk.begin(text.request(), kClient);
    desk.out(text.response(401, "t", challenge("abc")), kClient);
    text.extra = credentials("abc");
    REQUIRE(desk.in(text.request(), kClient) == Proof::nonce);
  };
  prove();
  desk.clock.advance(9min);
  prove();
  desk.clock.advance(10min - 1ns);
  CHECK(desk.standing(kClient).evidence == Evidence::proven);
  desk.clock.advance(1ns);
  CHECK(desk.standing(kClient).evidence == Evidence::unproven);
  CHECK(desk.standing(kClient).proof == Proof::none);
}

TEST_CASE("a confirmed dialog proves its client for a day, an ended one for a minute") {
  for (const bool ended : {false, true}) {
    INFO(ended);
    Desk desk;
    auto invite = sip_of("INVITE");
    desk.begin(invite.request(), kClient);
    desk.out(invite.response(200, "secret"), kClient);
    auto later = invite;
    later.to_tag = "secret";
    later.method = "ACK";
    CHECK(desk.in(later.request(), kClient) == Proof::to_tag);
    desk.clock.advance(23h);
    later.method = ended ? "BYE" : "INFO";
    CHECK(desk.in(later.request(), kClient) == Proof::to_tag);
    desk.clock.advance(64s);
    CHECK((desk.in(later.request(), kClient) == Proof::to_tag) == !ended);
  }
}

TEST_CASE("a dialog of an unproven caller is found by Call-ID and the caller's tag") {
  Desk desk;
  auto invite = sip_of("INVITE");
  desk.begin(invite.request(), kClient);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1").empty());
  desk.out(invite.response(100, ""), kClient);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1").empty());
  desk.out(invite.response(180, "secret"), kClient);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1") == "198.51.100.7:5062");
  CHECK(desk.way_to_dialog(invite.call_id, "secret").empty());
  CHECK(desk.way_to_dialog("other", "ft1").empty());
  desk.clock.advance(10min);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1").empty());
}

TEST_CASE("a refused call leaves no dialog") {
  Desk desk;
  auto invite = sip_of("INVITE");
  desk.begin(invite.request(), kClient);
  desk.out(invite.response(486, "secret"), kClient);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1").empty());
}

TEST_CASE("a dialog whose client proved itself can't be taken over by a forger") {
  Desk desk;
  auto invite = sip_of("INVITE");
  desk.begin(invite.request(), kClient);
  desk.out(invite.response(200, "secret"), kClient);
  auto ack = invite;
  ack.method = "ACK";
  ack.to_tag = "secret";
  REQUIRE(desk.in(ack.request(), kClient) == Proof::to_tag);
  desk.clock.advance(20min);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1") == "198.51.100.7:5062");
  auto forged = invite;
  forged.branch = "z9hG4bKforged";
  desk.begin(forged.request(), kForger);
  desk.out(forged.response(200, "secret2"), kForger);
  CHECK(desk.way_to_dialog(invite.call_id, "ft1") == "198.51.100.7:5062");
}

TEST_CASE("the names of evidence and proof") {
  CHECK(to_string(Evidence::unproven) == "unproven");
  CHECK(to_string(Evidence::proven) == "proven");
  CHECK(to_string(Evidence::trusted) == "trusted");
  CHECK(to_string(Proof::none) == "none");
  CHECK(to_string(Proof::handshake) == "handshake");
  CHECK(to_string(Proof::nonce) == "nonce");
  CHECK(to_string(Proof::to_tag) == "to_tag");
  CHECK(to_string(Proof::options) == "options");
  CHECK(to_string(Proof::registration) == "registration");
}

#include <catch2/catch.hpp>

#include "desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

const Peer kClient = udp_client("198.51.100.7:5062");

}  // namespace

TEST_CASE("a transaction is found by its retransmission and by its answer") {
  Desk desk;
  auto invite = sip_of("INVITE");
  auto* begun = desk.begin(invite.request(), kClient);
  REQUIRE(begun != nullptr);
  CHECK(begun->peer().same_flow(kClient));
  CHECK(begun->method == sip::Method::invite);
  CHECK_FALSE(begun->in_dialog);
  CHECK(desk.find(invite.request()) == begun);
  CHECK(desk.find(invite.response(200)) == begun);
  CHECK(desk.begin(invite.request(), kClient) == begun);
}

TEST_CASE("an answer goes the way of the last retransmission, which a reload may have changed") {
  Desk desk;
  auto invite = sip_of("INVITE");
  auto first = kClient, again = kClient;
  first.route = 7, first.handler = 1;
  again.route = 8, again.handler = 2;
  desk.begin(invite.request(), first);
  desk.begin(invite.request(), again);
  const auto peer = desk.find(invite.response(200))->peer();
  CHECK(peer.route == 8);
  CHECK(peer.handler == 2);
}

TEST_CASE("what tells transactions apart") {
  struct Case {
    const char* what;
    void (*change)(SipText&);
  };
  const Case cases[] = {
      {"branch", [](SipText& t) { t.branch += "x"; }},
      {"branch case", [](SipText& t) { t.branch = "z9hG4bKBRANCH1"; }},
      {"CSeq number", [](SipText& t) { ++t.cseq; }},
      {"Call-ID", [](SipText& t) { t.call_id = "CALL-1@192.0.2.10"; }},
      {"CSeq method", [](SipText& t) { t.method = "MESSAGE"; }},
      {"CANCEL", [](SipText& t) { t.method = "CANCEL"; }},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    Desk desk;
    auto invite = sip_of("INVITE");
    auto* begun = desk.begin(invite.request(), kClient);
    auto other = invite;
    c.change(other);
    CHECK(desk.find(other.request()) == nullptr);
    CHECK(desk.find(other.response(200)) == nullptr);
    auto* second = desk.begin(other.request(), kClient);
    CHECK(second != nullptr);
    CHECK(second != begun);
  }
}

TEST_CASE("a branch without the cookie needs From tag and method as well") {
  Desk desk;
  auto old = sip_of("INVITE");
  old.branch = "1";
  auto* begun = desk.begin(old.request(), kClient);
  auto other = old;
  other.from_tag = "ft2";
  CHECK(desk.find(other.request()) == nullptr);
  other = old;
  other.method = "OPTIONS";
  CHECK(desk.find(other.request()) == nullptr);
  CHECK(desk.find(old.response(180)) == begun);
  auto ack = old;
  ack.method = "ACK";
  CHECK(desk.find(ack.request()) == begun);
}

TEST_CASE("an ACK belongs to its INVITE and begins nothing") {
  Desk desk;
  auto invite = sip_of("INVITE");
  auto* begun = desk.begin(invite.request(), kClient);
  auto ack = invite;
  ack.method = "ACK";
  CHECK(desk.find(ack.request()) == begun);
  CHECK(desk.begin(ack.request(), kClient) == nullptr);
  ack.branch = "z9hG4bKnew";
  CHECK(desk.begin(ack.request(), kClient) == nullptr);
  CHECK(desk.find(ack.request()) == nullptr);
}

TEST_CASE("another client can't have a transaction's key") {
  Desk desk;
  SipText text;
  auto* begun = desk.begin(text.request(), kClient);
  CHECK(desk.begin(text.request(), udp_client("198.51.100.7:5063")) == nullptr);
  CHECK(desk.begin(text.request(), udp_client("203.0.113.7:5062")) == nullptr);
  CHECK(desk.begin(text.request(), tcp_client("198.51.100.7:5062", 7)) == nullptr);
  CHECK(desk.find(text.response(200)) == begun);
  CHECK(begun->remote == kClient.remote);
  SECTION("another connection from the same address is another client") {
    Desk streams;
    REQUIRE(streams.begin(text.request(), tcp_client("198.51.100.7:5062", 7)) != nullptr);
    CHECK(streams.begin(text.request(), tcp_client("198.51.100.7:5062", 8)) == nullptr);
  }
}

TEST_CASE("listeners have transactions of their own") {
  Desk desk;
  SipText text;
  auto* first = desk.begin(text.request(), udp_client("198.51.100.7:5062", 0));
  auto* second = desk.begin(text.request(), udp_client("198.51.100.7:5062", 1));
  REQUIRE(second != nullptr);
  CHECK(first != second);
  CHECK(desk.find(text.response(200), 0) == first);
  CHECK(desk.find(text.response(200), 1) == second);
  CHECK(desk.find(text.response(200), 2) == nullptr);
}

// The evasion this stops: a guess that looks like a retransmission would cost nothing and never be judged.
TEST_CASE("a request with a known key and other contents is no retransmission") {
  struct Case {
    const char* what;
    void (*change)(SipText&);
  };
  const Case cases[] = {
      {"credentials", [](SipText& t) { t.extra = credentials("n1"); }},
      {"other credentials", [](SipText& t) { t.extra = credentials("n2"); }},
      {"Request-URI", [](SipText& t) { t.uri = "sip:101@example.com"; }},
      {"To", [](SipText& t) { t.to = "<sip:101@example.com>"; }},
      {"From", [](SipText& t) { t.from = "<sip:bob@example.com>"; }},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    Desk desk;
    auto text = sip_of("REGISTER");
    if (std::string_view(c.what) == "other credentials") text.extra = credentials("n1");
    auto* begun = desk.begin(text.request(), kClient);
    REQUIRE(begun != nullptr);
    auto other = text;
    c.change(other);
    CHECK(desk.find(other.request()) == nullptr);
    CHECK(desk.begin(other.request(), kClient) == nullptr);
    CHECK(desk.find(text.response(401)) == begun);
  }
}

TEST_CASE("a transaction is forgotten 32 s after its last message") {
  Desk desk;
  SipText text;
  desk.begin(text.request(), kClient);
  desk.clock.advance(31s);
  REQUIRE(desk.begin(text.request(), kClient) != nullptr);  // a retransmission
  desk.clock.advance(31s);
  REQUIRE(desk.find(text.response(200)) != nullptr);
  desk.clock.advance(32s - 1ns);
  CHECK(desk.find(text.request()) != nullptr);
  desk.clock.advance(1ns);
  CHECK(desk.find(text.request()) == nullptr);
}

TEST_CASE("an INVITE that rings is kept for 180 s, others are not") {
  for (const bool invite : {true, false}) {
    INFO(invite);
    Desk desk;
    auto text = sip_of(invite ? "INVITE" : "OPTIONS");
    desk.begin(text.request(), kClient);
    desk.clock.advance(10s);
    REQUIRE(desk.find(text.response(180)) != nullptr);
    desk.clock.advance(32s);
    CHECK((desk.find(text.request()) != nullptr) == invite);
    desk.clock.advance(148s - 1ns);
    CHECK((desk.find(text.request()) != nullptr) == invite);
    desk.clock.advance(1ns);
    CHECK(desk.find(text.request()) == nullptr);
  }
}

TEST_CASE("an old transaction's key can be had again") {
  Desk desk;
  SipText text;
  auto* first = desk.begin(text.request(), kClient);
  first->judged = true;
  desk.clock.advance(32s);
  const auto other = udp_client("203.0.113.1:5060");
  auto* second = desk.begin(text.request(), other);
  REQUIRE(second != nullptr);
  CHECK_FALSE(second->judged);
  CHECK(second->remote == other.remote);
}

TEST_CASE("a message without Via or CSeq has no transaction") {
  Desk desk;
  for (const auto* text :
       {"OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\nCall-ID: 1\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nCall-ID: 1\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nVia: nonsense\r\nCSeq: 1 OPTIONS\r\nCall-ID: 1\r\n\r\n"}) {
    CHECK(desk.begin(text, kClient) == nullptr);
    CHECK(desk.find(text) == nullptr);
  }
}

TEST_CASE("very long identifiers still tell transactions apart") {
  Desk desk;
  SipText text;
  text.branch = "z9hG4bK" + std::string(2000, 'a');
  text.call_id = std::string(3000, 'b');
  auto* first = desk.begin(text.request(), kClient);
  auto other = text;
  other.branch.back() = 'c';
  auto* second = desk.begin(other.request(), kClient);
  REQUIRE(second != nullptr);
  CHECK(second != first);
  other = text;
  other.call_id.back() = 'c';
  CHECK(desk.find(other.request()) == nullptr);
  CHECK(desk.find(text.response(200)) == first);
}

TEST_CASE("a transaction remembers what its request carried") {
  Desk desk;
  auto text = sip_of("REGISTER");
  text.to = "<sip:%61lice@example.com>";
  text.to_tag = "tt";
  text.extra = "Contact: <sip:alice@192.0.2.10>\r\n" + credentials("n1");
  auto* t = desk.begin(text.request(), kClient);
  REQUIRE(t != nullptr);
  CHECK(t->credentials);
  CHECK_FALSE(t->nonce_known);
  CHECK(t->in_dialog);
  CHECK(t->binds);
  CHECK_FALSE(t->registration_ends);
  CHECK(t->credential_user == desk.sources.hash("alice"));
  CHECK(t->target_user == desk.sources.hash("alice"));
  CHECK(t->contact == desk.sources.hash("sip:alice@192.0.2.10"));
  auto call = sip_of("INVITE");
  call.uri = "sip:%31%30%31@example.com";
  CHECK(desk.begin(call.request(), kClient)->target_user == desk.sources.hash("101"));
}

TEST_CASE("a REGISTER ends a registration only when every Contact does") {
  struct Case {
    const char* extra;
    bool binds, ends;
  };
  for (const auto& c :
       {Case{"", false, false}, Case{"Expires: 0\r\n", false, false},
        Case{"Contact: *\r\nExpires: 0\r\n", true, true},
        Case{"Contact: <sip:a@192.0.2.10>;expires=0\r\n", true, true},
        Case{"Contact: <sip:a@192.0.2.10>;expires=60\r\nExpires: 0\r\n", true, false},
        Case{"Contact: <sip:a@192.0.2.10>;expires=0, <sip:b@192.0.2.10>\r\n", true, false},
        Case{"Contact: <sip:a@192.0.2.10>;expires=0\r\nm: <sip:b@192.0.2.10>;expires=00\r\n", true, true},
        Case{"Contact: <sip:a@192.0.2.10>\r\n", true, false}}) {
    INFO(c.extra);
    Desk desk;
    auto text = sip_of("REGISTER");
    text.extra = c.extra;
    auto* t = desk.begin(text.request(), kClient);
    REQUIRE(t != nullptr);
    CHECK(t->binds == c.binds);
    CHECK(t->registration_ends == c.ends);
  }
}

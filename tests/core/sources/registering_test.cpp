#include <catch2/catch.hpp>

#include "desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

const Peer kPhone = udp_client("198.51.100.7:5062");
const Peer kOther = udp_client("203.0.113.66:5060");
const std::string kContact = "Contact: <sip:alice@192.168.1.5:5062>\r\n";

}  // namespace

TEST_CASE("an accepted REGISTER of a proven source registers it") {
  Desk desk;
  Registering r;
  register_proven(desk, r, kPhone, kContact);
  CHECK(desk.registrations(kPhone) == 1);
  CHECK(desk.registrations(udp_client("198.51.100.7:1")) == 1);  // by any port
  CHECK(desk.registered(kPhone, "alice"));
  CHECK(desk.registered(kPhone, "%61lice"));
  CHECK_FALSE(desk.registered(kPhone, "Alice"));
  CHECK_FALSE(desk.registered(kPhone, "bob"));
  CHECK_FALSE(desk.registered(kOther, "alice"));
  CHECK(desk.standing(kPhone).evidence == Evidence::trusted);
  CHECK(desk.standing(kPhone).proof == Proof::registration);
  CHECK(desk.standing(udp_client("198.51.100.7:1")).evidence == Evidence::unproven);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:5062");
  CHECK(desk.sources.sizes().registrations == 1);
}

TEST_CASE("a registration over a stream makes that connection trusted, no other and no datagram") {
  Desk desk;
  Registering r;
  const auto phone = tcp_client("198.51.100.7:5062", 3);
  const auto known = [&](const Peer& peer) { return desk.sources.standing(peer, desk.clock.now()); };
  register_proven(desk, r, phone, kContact);
  CHECK(known(phone).evidence == Evidence::trusted);
  CHECK(known(phone).proof == Proof::registration);
  CHECK(known(tcp_client("198.51.100.7:5062", 4)).evidence == Evidence::proven);
  CHECK(known(kPhone).evidence == Evidence::unproven);
  CHECK(desk.standing(phone).evidence ==
        Evidence::unproven);  // a datagram with the stream's address and port
  desk.clock.advance(1h);
  CHECK(known(phone).evidence == Evidence::proven);
  CHECK(known(phone).proof == Proof::handshake);
}

TEST_CASE("registrations of others are those of users who have none through this address and port") {
  Desk desk;
  const auto others = [&](const Peer& peer) {
    return desk.sources.registrations_of_others(peer.remote, desk.clock.now());
  };
  const auto desk_phone = udp_client("198.51.100.7:7000");
  Registering alice;
  register_proven(desk, alice, kPhone, kContact);
  Registering second;
  second.text.call_id = "reg-2";
  register_proven(desk, second, desk_phone, "Contact: <sip:alice@192.168.1.6>\r\n");
  CHECK(others(kPhone) == 0);  // both are alice's
  CHECK(others(udp_client("198.51.100.7:1")) == 2);
  CHECK(others(kOther) == 0);
  Registering bob;
  bob.text.call_id = "reg-3";
  bob.text.from = bob.text.to = "<sip:bob@example.com>";
  register_proven(desk, bob, udp_client("198.51.100.7:7001"), "Contact: <sip:bob@192.168.1.7>\r\n");
  CHECK(others(kPhone) == 1);
  desk.clock.advance(1h);
  CHECK(others(kPhone) == 0);
}

TEST_CASE("a user with escapes in the AoR is found by either spelling") {
  Desk desk;
  Registering r;
  r.text.to = "<sip:al%69ce%2Fhome@example.com>";
  register_proven(desk, r, kPhone, kContact);
  CHECK(desk.registered(kPhone, "alice%2fhome"));
  CHECK(desk.registered(kPhone, "al%69ce%2Fhome"));
}

TEST_CASE("an accepted REGISTER of an unproven source registers nothing, but shows the way to it") {
  Desk desk;
  Registering r;
  const auto text = r.next(kContact);
  desk.begin(text.request(), kPhone);
  desk.out(text.response(200, "t", kContact), kPhone);
  CHECK(desk.registrations(kPhone) == 0);
  CHECK_FALSE(desk.registered(kPhone, "alice"));
  CHECK(desk.standing(kPhone).evidence == Evidence::unproven);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:5062");
}

TEST_CASE("what does not register: refusals, provisional answers, queries, answers to nobody") {
  Desk desk;
  Registering r;
  const auto prove = r.next("");
  desk.begin(prove.request(), kPhone);
  desk.out(prove.response(401, "t", challenge("n")), kPhone);
  for (const int status : {100, 302, 403, 500}) {
    const auto text = r.next(kContact + credentials("n"));
    REQUIRE(desk.begin(text.request(), kPhone) != nullptr);
    desk.out(text.response(status, "t", kContact), kPhone);
  }
  const auto query = r.next(credentials("n"));
  desk.begin(query.request(), kPhone);
  desk.out(query.response(200, "t", kContact), kPhone);
  const auto nobody = r.next(kContact + credentials("n"));
  desk.out(nobody.response(200, "t", kContact), kPhone);
  SipText options;
  options.extra = kContact + credentials("n");
  desk.begin(options.request(), kPhone);
  desk.out(options.response(200, "t", kContact), kPhone);
  CHECK(desk.registrations(kPhone) == 0);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062").empty());
}

TEST_CASE("how long a registration lives") {
  struct Case {
    const char* answer;
    std::chrono::seconds lives;
  };
  for (const auto& c : {
           Case{"Contact: <sip:alice@192.168.1.5:5062>;expires=120\r\nExpires: 60\r\n", 120s},
           Case{"Contact: <sip:alice@192.168.1.5:5062>\r\nExpires: 90\r\n", 90s},
           Case{"Contact: <sip:alice@192.168.1.5:5062>\r\n", 3600s},
           Case{"Contact: <sip:alice@192.168.1.5:5062>;expires=4000000000\r\n", 7 * 24h},
           Case{"Contact: <sip:alice@192.168.1.5:5062>;expires=99999999999999999999\r\nExpires: 30\r\n", 30s},
           Case{"Contact: <sip:other@192.0.2.99>;expires=3600, <sip:alice@192.168.1.5:5062>;expires=60\r\n",
                60s},
           Case{"Contact: <sip:alice@192.168.1.5:5062>;expires=60, <sip:other@192.0.2.99>;expires=3600\r\n",
                60s},
           Case{"Contact: <sip:other@192.0.2.99>;expires=3600\r\nContact: "
                "<sip:alice@192.168.1.5:5062>;expires=60\r\n",
                60s},
           Case{"Contact: <sip:alice@192.0.2.1:40000>;expires=60\r\n", 60s},  // mended by the registrar
       }) {
    INFO(c.answer);
    Desk desk;
    Registering r;
    register_proven(desk, r, kPhone, kContact, c.answer);
    CHECK(desk.registrations(kPhone) == 1);
    desk.clock.advance(c.lives - 1s);
    CHECK(desk.registrations(kPhone) == 1);
    CHECK(desk.registered(kPhone, "alice"));
    desk.clock.advance(1s);
    CHECK(desk.registrations(kPhone) == 0);
    CHECK_FALSE(desk.registered(kPhone, "alice"));
    CHECK(desk.way_to("sip:alice@192.168.1.5:5062").empty());
  }
}

TEST_CASE("a registration granted for no time is none") {
  Desk desk;
  Registering r;
  register_proven(desk, r, kPhone, kContact, "Contact: <sip:alice@192.168.1.5:5062>;expires=0\r\n");
  CHECK(desk.registrations(kPhone) == 0);
  CHECK(desk.standing(kPhone).evidence == Evidence::proven);
}

TEST_CASE("trust ends with the registration, whatever else was proven meanwhile") {
  Desk desk;
  Registering r;
  register_proven(desk, r, kPhone, kContact, "Contact: <sip:alice@192.168.1.5:5062>;expires=60\r\n");
  desk.clock.advance(59s);
  CHECK(desk.standing(kPhone).evidence == Evidence::trusted);
  auto call = sip_of("INVITE");
  call.from_tag = "pbx";
  desk.out(call.request(), kPhone);
  REQUIRE(desk.in(call.response(200, "mine"), kPhone) == Proof::to_tag);
  CHECK(desk.standing(kPhone).evidence == Evidence::trusted);
  desk.clock.advance(1s);
  CHECK(desk.standing(kPhone).evidence == Evidence::proven);
}

TEST_CASE("the answer's other bindings of the user are not ours") {
  for (const auto* answer :
       {"Contact: <sip:alice@192.0.2.99>;expires=3600, <sip:alice@192.168.1.5:5062>;expires=60\r\n",
        "Contact: <sip:alice@192.0.2.99>;expires=3600\r\nContact: "
        "<sip:alice@192.168.1.5:5062>;expires=60\r\n"}) {
    INFO(answer);
    Desk desk;
    Registering desk_phone, mobile;
    mobile.text.call_id = "reg-2";
    register_proven(desk, desk_phone, kOther, "Contact: <sip:alice@192.0.2.99>\r\n");
    register_proven(desk, mobile, kPhone, kContact, answer);
    CHECK(desk.way_to("sip:alice@192.0.2.99") == "203.0.113.66:5060");
    CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:5062");
  }
}

TEST_CASE("a phone is registered though the registrar mends every Contact of its user") {
  for (const auto* answer :
       {"Contact: <sip:alice@192.0.2.1:40001>;expires=30, <sip:alice@192.0.2.1:40002>;expires=300\r\n",
        "Contact: <sip:alice@192.0.2.1:40001>;expires=30\r\nContact: "
        "<sip:alice@192.0.2.1:40002>;expires=300\r\n"}) {
    INFO(answer);
    Desk desk;
    Registering r;
    register_proven(desk, r, kPhone, kContact, answer);
    CHECK(desk.registrations(kPhone) == 1);
    CHECK(desk.standing(kPhone).evidence == Evidence::trusted);
    CHECK(desk.way_to("sip:alice@192.0.2.1:5060") == "198.51.100.7:5062");
  }
}

TEST_CASE("an upstream that mends Contacts still reaches the user") {
  Desk desk;
  Registering r;
  register_proven(desk, r, kPhone, kContact, "Contact: <sip:alice@192.0.2.1:40001>;expires=300\r\n");
  CHECK(desk.way_to("sip:alice@192.0.2.1:40001") == "198.51.100.7:5062");
  CHECK(desk.way_to("sip:alice@192.0.2.1:5060;transport=udp") == "198.51.100.7:5062");
  CHECK(desk.way_to("sip:bob@192.0.2.1:40001").empty());
}

TEST_CASE("users and bindings behind one address are counted apart") {
  Desk desk;
  Registering alice, bob;
  bob.text.call_id = "reg-bob";
  bob.text.to = "<sip:bob@example.com>";
  register_proven(desk, alice, kPhone, kContact);
  register_proven(desk, bob, udp_client("198.51.100.7:5070"), "Contact: <sip:bob@192.168.1.6>\r\n");
  register_proven(desk, alice, kPhone, "Contact: <sip:alice@192.168.1.7>\r\n");
  CHECK(desk.registrations(kPhone) == 3);
  register_proven(desk, alice, kPhone, kContact);  // a refresh
  CHECK(desk.registrations(kPhone) == 3);
  register_proven(desk, alice, kPhone, "Contact: *\r\nExpires: 0\r\n", "");
  CHECK(desk.registrations(kPhone) == 1);
  CHECK_FALSE(desk.registered(kPhone, "alice"));
  CHECK(desk.registered(kPhone, "bob"));
}

TEST_CASE("a phone that unregisters is trusted no more and not found") {
  for (const auto* end : {"Contact: <sip:alice@192.168.1.5:5062>;expires=0\r\n",
                          "Contact: <sip:alice@192.168.1.5:5062>\r\nExpires: 0\r\n"}) {
    INFO(end);
    Desk desk;
    Registering r;
    register_proven(desk, r, kPhone, kContact);
    REQUIRE(desk.standing(kPhone).evidence == Evidence::trusted);
    register_proven(desk, r, kPhone, end, "");
    CHECK(desk.registrations(kPhone) == 0);
    CHECK(desk.standing(kPhone).evidence == Evidence::proven);
    CHECK(desk.way_to("sip:alice@192.168.1.5:5062").empty());
  }
}

TEST_CASE("nobody else ends a registration or takes its way") {
  Desk desk;
  Registering r, thief;
  register_proven(desk, r, kPhone, kContact);
  thief.text.call_id = "reg-thief";
  const auto end = thief.next("Contact: <sip:alice@192.168.1.5:5062>;expires=0\r\n");
  desk.begin(end.request(), kOther);
  desk.out(end.response(200), kOther);
  CHECK(desk.registrations(kPhone) == 1);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:5062");
  const auto take = thief.next(kContact);
  desk.begin(take.request(), kOther);
  desk.out(take.response(200, "t", kContact), kOther);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:5062");
  CHECK(desk.way_to("sip:alice@192.0.2.1") == "198.51.100.7:5062");
}

TEST_CASE("a phone that moves to another port takes its way along") {
  Desk desk;
  Registering r;
  register_proven(desk, r, kPhone, kContact);
  register_proven(desk, r, udp_client("198.51.100.7:6000"), kContact);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:6000");
  CHECK(desk.registrations(kPhone) == 1);
}

TEST_CASE("a phone on a stream is registered by its handshake") {
  Desk desk;
  Registering r;
  const auto stream = tcp_client("198.51.100.7:40000", 9);
  const auto text = r.next(kContact);
  desk.begin(text.request(), stream);
  desk.out(text.response(200, "t", kContact), stream);
  CHECK(desk.registrations(stream) == 1);
  CHECK(desk.registered(stream, "alice"));
  CHECK(desk.standing(stream).evidence == Evidence::unproven);  // of datagrams from that port
}

TEST_CASE("a REGISTER with several Contacts registers each, and may end one while it makes another") {
  Desk desk;
  Registering r;
  const std::string two = "Contact: <sip:alice@192.168.1.5:5062>, <sip:alice-tcp@192.168.1.5:5064>\r\n";
  register_proven(desk, r, kPhone, two);
  CHECK(desk.registrations(kPhone) == 2);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062") == "198.51.100.7:5062");
  CHECK(desk.way_to("sip:alice-tcp@192.168.1.5:5064") == "198.51.100.7:5062");
  register_proven(desk, r, kPhone,
                  "Contact: <sip:alice@192.168.1.5:5062>;expires=0, <sip:new@192.168.1.5:5066>\r\n",
                  "Contact: <sip:alice-tcp@192.168.1.5:5064>;expires=3600, "
                  "<sip:new@192.168.1.5:5066>;expires=3600\r\n");
  CHECK(desk.registrations(kPhone) == 2);
  CHECK(desk.way_to("sip:alice@192.168.1.5:5062").empty());
  CHECK(desk.way_to("sip:new@192.168.1.5:5066") == "198.51.100.7:5062");
  CHECK(desk.way_to("sip:alice-tcp@192.168.1.5:5064") == "198.51.100.7:5062");
}

TEST_CASE("of a REGISTER with very many Contacts ten are kept") {
  Desk desk;
  Registering r;
  std::string many;
  for (int i = 0; i < 15; ++i) many += "Contact: <sip:a" + std::to_string(i) + "@192.168.1.5:5062>\r\n";
  register_proven(desk, r, kPhone, many);
  CHECK(desk.registrations(kPhone) == 10);
  CHECK(desk.way_to("sip:a9@192.168.1.5:5062") == "198.51.100.7:5062");
  CHECK(desk.way_to("sip:a10@192.168.1.5:5062").empty());
}

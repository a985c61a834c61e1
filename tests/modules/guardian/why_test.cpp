#include "why.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "ban_view.hpp"
#include "sipward/testing/fake_clock.hpp"

// The sentences of `sipward why`, whole.
namespace sipward::guardian {
namespace {

using namespace std::chrono_literals;

struct Asked {
  Asked() {
    clock.advance(12h);
    why.address = *Address::parse("192.0.2.7");
    why.max_failures = 5;
    why.find_time = 10min;
  }
  Signal signal(Reason reason, unsigned status, Transport transport, std::string_view user, Proof proof,
                Duration ago = 0s) const {
    return {clock.now() - ago,
            reason,
            sip::Method::register_,
            static_cast<std::uint16_t>(status),
            1,
            proof,
            transport,
            ShortText(user)};
  }
  std::shared_ptr<Ban> ban(Scope scope, std::string_view reason) {
    auto made = std::make_shared<Ban>(scope, host_prefix(why.address), 0, 0);
    made->reason = reason;
    made->source = "guardian";
    made->evidence = Evidence::proven;
    made->banned_at = clock.wall();
    made->expires_at = clock.wall() + 1h;
    return made;
  }
  std::string text() const { return explain(why, clock); }

  test::FakeClock clock;
  Why why;
};

TEST_CASE("a ban is explained by the messages that led to it") {
  Asked asked;
  const auto ban = asked.ban(Scope::address, "wrong_password");
  ban->signals = {asked.signal(Reason::wrong_password, 401, Transport::udp, "100", Proof::nonce, 2s),
                  asked.signal(Reason::unknown_user, 404, Transport::tcp, "", Proof::handshake)};
  ban->excerpt =
      "REGISTER sip:pbx SIP/2.0\nAuthorization: Digest username=\"100\", realm=\"pbx\", (redacted)\n";
  ban->hits = 17;
  asked.why.bans = {ban};
  CHECK(asked.text() ==
        "192.0.2.7 is banned until 2019-12-20T13:00:00Z: wrong_password, after 2 failures.\n"
        "It was banned at 2019-12-20T12:00:00Z by guardian, on proven evidence; since then 17 packets of it "
        "stopped.\n"
        "What led there (the last 2, times in UTC):\n"
        "  11:59:58 REGISTER of user 100 over UDP: the PBX refused its credentials (401), weight 1; its "
        "sender was "
        "proven by a nonce of the PBX.\n"
        "  12:00:00 REGISTER over TCP: the PBX does not know whom it asks for (404), weight 1; its sender "
        "was proven "
        "by a handshake.\n"
        "The last message, without what is secret:\n"
        "  | REGISTER sip:pbx SIP/2.0\n"
        "  | Authorization: Digest username=\"100\", realm=\"pbx\", (redacted)\n");
  CHECK(to_json(asked.why, asked.clock).at("state") == "banned");
}

TEST_CASE("narrow bans and networks say whom they hold for") {
  Asked asked;
  auto flow = asked.ban(Scope::flow, "scanner");
  flow->port = 5062;
  auto identity = asked.ban(Scope::identity, "wrong_password");
  identity->user_text = "bob\x1b[31m";
  auto network = asked.ban(Scope::network, "manual_ban");
  network->prefix = *Cidr::parse("192.0.2.0/24");
  network->source = "admin";
  network->evidence = Evidence::trusted;
  asked.why.bans = {flow, identity, network};
  const auto text = asked.text();
  CHECK(text.find("port 5062 of 192.0.2.7 is banned until") != std::string::npos);
  CHECK(text.find("user bob?[31m at 192.0.2.7 is banned until") != std::string::npos);
  CHECK(text.find("192.0.2.0/24, which holds 192.0.2.7, is banned until 2019-12-20T13:00:00Z: manual_ban.\n"
                  "It was banned at 2019-12-20T12:00:00Z by admin; since then 0 packets of it stopped.\n") !=
        std::string::npos);
}

TEST_CASE("a soft block says that it is none of a proven source") {
  Asked asked;
  SoftBlockRecord record;
  record.address = asked.why.address;
  record.until_wall = asked.clock.wall() + 1min;
  record.reason = Reason::scanner;
  record.signals = {asked.signal(Reason::scanner, 0, Transport::udp, "100", Proof::none)};
  asked.why.soft_block = record;
  CHECK(asked.text() ==
        "192.0.2.7 is soft-blocked until 2019-12-20T12:01:00Z: scanner, 1 message whose sender was not "
        "proven.\n"
        "Anybody could have sent them in its name, so it is not banned: its new requests are dropped, never "
        "those of "
        "phones that\nare registered or have proved themselves.\n"
        "What led there (the last 1, times in UTC):\n"
        "  12:00:00 REGISTER of user 100 over UDP: it has the form of a known scanning tool, weight 1; its "
        "sender was "
        "not proven.\n");
  CHECK(to_json(asked.why, asked.clock).at("state") == "soft_blocked");
}

TEST_CASE("who is never banned is told why") {
  Asked asked;
  asked.why.whitelisted = "192.0.2.0/24 of the Sipfile";
  CHECK(asked.text() ==
        "192.0.2.7 is never banned: it is on the whitelist, as 192.0.2.0/24 of the Sipfile.\n");
  asked.why.whitelisted.clear();
  asked.why.protected_ = "upstream of proxy";
  CHECK(
      asked.text() ==
      "192.0.2.7 is never banned: it is protected, as upstream of proxy.\nNothing is counted against it.\n");
}

TEST_CASE("of whom nothing or little is known that is told") {
  Asked asked;
  CHECK(asked.text() == "192.0.2.7 is not banned.\nNothing is counted against it.\n");
  CHECK(state_of(asked.why) == "unknown");
  asked.why.failures = 1;
  asked.why.signals = {asked.signal(Reason::forbidden, 403, Transport::tls, "bob", Proof::handshake)};
  CHECK(asked.text() ==
        "192.0.2.7 is not banned.\n"
        "Counted within 10 min: 1 proven failure and 0 unproven ones; 5 of a kind are too many.\n"
        "What led there (the last 1, times in UTC):\n"
        "  12:00:00 REGISTER of user bob over TLS: the PBX forbade it (403), weight 1; its sender was proven "
        "by a "
        "handshake.\n");
}

}  // namespace
}  // namespace sipward::guardian

#include "matcher.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "sipward/config.hpp"
#include "sipward/packet.hpp"
#include "sipward/testing/fake_clock.hpp"
#include "sipward/testing/fake_worker.hpp"

using namespace sipward;
using namespace sipward::matcher_sip;
using Catch::Matchers::Contains;

namespace {

SipMatcher matcher(const std::string& sipfile, config::Errors& errors) {
  const auto nodes = config::parse_text("Sipfile", sipfile, {}, errors);
  REQUIRE(nodes.size() == 1);
  SipMatcher made(read_options(nodes[0], errors));
  made.validate(errors);
  return made;
}

Match match(const std::string& sipfile, const std::string& octets, bool keep_alive = false) {
  config::Errors errors;
  const SipMatcher made = matcher(sipfile, errors);
  INFO(errors.to_string());
  REQUIRE(errors.ok());
  test::FakeClock clock;
  test::FakeWorker worker(clock);
  Packet packet(worker, Direction::inbound);
  packet.assign(Peer{}, octets);
  packet.set_keep_alive(keep_alive);
  return made.match(packet);
}

const std::string kHeaders =
    "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n"
    "From: \"Mr. @ example.net\" <sip:Alice%41@phones.example.com;user=phone>;tag=1\r\n"
    "To: <tel:+1-555-0100>\r\n"
    "User-Agent: Acme Phone/2.1\r\n"
    "Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
const std::string kInvite = "INVITE sip:100@Pbx.example.com:5060 SIP/2.0\r\n" + kHeaders;
const std::string kResponse = "SIP/2.0 200 OK\r\n" + kHeaders;

}  // namespace

TEST_CASE("what is SIP matches, what is not does not") {
  CHECK(match("sip", kInvite) == Match::yes);
  CHECK(match("sip", kResponse) == Match::yes);
  CHECK(match("sip", "DANCE sip:100@192.0.2.1 SIP/2.0\r\n\r\n") ==
        Match::yes);  // headers are not its business
  CHECK(match("sip", "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n") == Match::no);
  CHECK(match("sip", std::string(100, '\0')) == Match::no);
  CHECK(match("sip", "") == Match::no);
}

TEST_CASE("options filter requests") {
  struct Case {
    const char* options;
    bool matches;
  };
  for (const Case& c : {
           Case{"methods INVITE ACK", true},
           Case{"methods REGISTER", false},
           Case{"host pbx.example.com", true},
           Case{"host other.example.com *.EXAMPLE.com", true},
           Case{"host 192.0.2.1", false},
           Case{"from AliceA@phones.example.com", true},
           Case{"from alicea@phones.example.com", false},
           Case{"from *@example.net", false},
           Case{"from *@*.example.com", true},
           Case{"to +15550100@*", true},  // a telephone number; it has no host
           Case{"user_agent \"Acme*\"", true},
           Case{"user_agent *2.1", true},
           Case{"user_agent *3.0", false},
           Case{"methods INVITE\n host pbx.example.com\n user_agent *acme*", true},
           Case{"methods INVITE\n host pbx.example.com\n user_agent *other*", false},
       }) {
    INFO(c.options);
    const std::string sipfile = std::string("sip {\n") + c.options + "\n}";
    CHECK(match(sipfile, kInvite) == (c.matches ? Match::yes : Match::no));
    CHECK(match(sipfile, kResponse) == Match::yes);
    CHECK(match(sipfile, "", true) == Match::yes);
  }
}

TEST_CASE("a method that sipward does not know is matched by name") {
  config::Errors errors;
  matcher("sip {\n methods DANCE INVIET\n }", errors);
  CHECK(errors.ok());
  CHECK_THAT(errors.to_string(), Contains("'DANCE' is no method") && Contains("'INVITE'"));
  CHECK(match("sip {\n methods DANCE\n }", "DANCE sip:192.0.2.1 SIP/2.0\r\n\r\n") == Match::yes);
  CHECK(match("sip {\n methods DANCE\n }", "DANCED sip:192.0.2.1 SIP/2.0\r\n\r\n") == Match::no);
}

TEST_CASE("a method list that breaks calls is warned about") {
  struct Case {
    const char* methods;
    const char* missing;  // empty: no warning
  };
  for (const Case& c : {
           Case{"REGISTER OPTIONS", ""},
           Case{"INVITE ACK BYE CANCEL PRACK UPDATE REFER NOTIFY", ""},
           Case{"REGISTER INVITE OPTIONS ACK BYE CANCEL INFO NOTIFY SUBSCRIBE MESSAGE",
                "has INVITE but not PRACK UPDATE REFER: early media and session timers fail, transfers fail"},
           Case{"INVITE",
                "has INVITE but not ACK BYE CANCEL PRACK UPDATE REFER NOTIFY: calls can't be set up"},
       }) {
    INFO(c.methods);
    config::Errors errors;
    matcher(std::string("sip {\n    methods ") + c.methods + "\n}", errors);
    CHECK(errors.ok());
    CHECK(errors.empty() == std::string(c.missing).empty());
    CHECK_THAT(errors.to_string(), Contains(c.missing));
    if (!errors.empty()) CHECK_THAT(errors.to_string(), Contains("Sipfile:2:5: "));
  }
}

TEST_CASE("options that can't be meant are errors with their position") {
  struct Case {
    const char* sipfile;
    const char* says;
  };
  for (const Case& c : {
           Case{"sip { methods invite }", "methods wants names of SIP methods in capitals"},
           Case{"sip { from example.com }", "from wants USER@HOST"},
           Case{"sip { to @example.com }", "to wants USER@HOST"},
           Case{"sip { host \"\" }", "host wants"},
           Case{"sip { metods INVITE }", "methods"},
           Case{"sip udp", "udp"},
       }) {
    INFO(c.sipfile);
    config::Errors errors;
    const auto nodes = config::parse_text("Sipfile", c.sipfile, {}, errors);
    read_options(nodes.at(0), errors);
    CHECK_FALSE(errors.ok());
    CHECK_THAT(errors.to_string(), Contains(c.says) && Contains("Sipfile:1:"));
  }
}

#include <catch2/catch.hpp>

#include "sipward/packet.hpp"
#include "stand.hpp"

using namespace sipward;
using namespace sipward::respond;
using Catch::Matchers::Contains;

TEST_CASE("each request gets the answer that RFC 3261 gives it") {
  struct Case {
    const char* name;
    Text text;
    int status;
    const char* says;  // a piece of the answer
  };
  const auto text = [](const char* method, auto change) {
    Text t;
    t.method = method;
    change(t);
    return t;
  };
  const auto plain = [](Text&) {};
  for (const Case& c : {
           Case{"OPTIONS to a user", text("OPTIONS", plain), 200, "\r\nAllow: INVITE, ACK,"},
           Case{"OPTIONS to the server", text("OPTIONS", [](Text& t) { t.uri = "sip:192.0.2.1"; }), 200,
                "\r\nAccept: application/sdp\r\n"},
           Case{"OPTIONS to an unknown user", text("OPTIONS", [](Text& t) { t.uri = "sip:9999@192.0.2.1"; }),
                404, ""},
           Case{"OPTIONS to nobody by an empty user",
                text("OPTIONS", [](Text& t) { t.uri = "sip:@192.0.2.1"; }), 200, ""},
           Case{"a telephone number", text("OPTIONS", [](Text& t) { t.uri = "tel:1-0-0"; }), 200, ""},
           Case{"MESSAGE", text("MESSAGE", plain), 200, ""},
           Case{"MESSAGE to an unknown user", text("MESSAGE", [](Text& t) { t.uri = "sip:bob@192.0.2.1"; }),
                404, ""},
           Case{"INVITE to an unknown user", text("INVITE", [](Text& t) { t.uri = "sip:bob@192.0.2.1"; }),
                404, ""},
           Case{"BYE outside a dialog", text("BYE", plain), 481, ""},
           Case{"BYE of an unknown dialog", text("BYE", [](Text& t) { t.to_tag = "0123456789abcdef"; }), 481,
                ""},
           Case{"BYE with a strange tag", text("BYE", [](Text& t) { t.to_tag = "strange"; }), 481, ""},
           Case{"INVITE of an unknown dialog", text("INVITE", [](Text& t) { t.to_tag = "0123456789abcdef"; }),
                481, ""},
           Case{"OPTIONS of an unknown dialog", text("OPTIONS", [](Text& t) { t.to_tag = "x"; }), 481, ""},
           Case{"INFO outside a dialog", text("INFO", plain), 481, ""},
           Case{"UPDATE outside a dialog", text("UPDATE", plain), 481, ""},
           Case{"CANCEL of nothing", text("CANCEL", plain), 481, ""},
           Case{"SUBSCRIBE", text("SUBSCRIBE", plain), 405, "\r\nAllow: "},
           Case{"PUBLISH", text("PUBLISH", plain), 405, "\r\nAllow: "},
           Case{"a method nobody knows", text("DANCE", plain), 501, "\r\nAllow: "},
           Case{"a required extension",
                text("OPTIONS", [](Text& t) { t.extra = "Require: 100rel, foo\r\n"; }), 420,
                "\r\nUnsupported: 100rel, foo\r\n"},
           Case{"a required extension in a REGISTER",
                text("REGISTER", [](Text& t) { t.extra = "Require: path\r\n"; }), 420,
                "\r\nUnsupported: path\r\n"},
           Case{"a scheme nobody calls", text("OPTIONS", [](Text& t) { t.uri = "http://192.0.2.1/"; }), 416,
                ""},
           Case{"no scheme", text("OPTIONS", [](Text& t) { t.uri = "100@192.0.2.1"; }), 400, ""},
           Case{"a bad port", text("OPTIONS", [](Text& t) { t.uri = "sip:100@192.0.2.1:99999"; }), 400, ""},
           Case{"an escaped line end", text("OPTIONS", [](Text& t) { t.uri = "sip:100%0d%0a@192.0.2.1"; }),
                400, ""},
           Case{"a long Request-URI",
                text("OPTIONS", [](Text& t) { t.uri = "sip:" + std::string(300, '1') + "@192.0.2.1"; }), 414,
                ""},
           Case{"a Route to itself",
                text("OPTIONS", [](Text& t) { t.extra = "Route: <sip:192.0.2.1;lr>\r\n"; }), 200, ""},
       }) {
    INFO(c.name);
    Stand stand;
    const std::string answer = stand.answer(c.text);
    CHECK(status(answer) == c.status);
    CHECK_THAT(answer, Contains(c.says));
    CHECK_THAT(answer, Contains("\r\nContent-Length: 0\r\n\r\n"));
    CHECK_THAT(header(answer, "Via"), Contains("received=198.51.100.7") && Contains("rport=5062"));
    CHECK_FALSE(tag(answer).empty());
    CHECK(stand.verdict == Verdict::consumed);
  }
}

TEST_CASE("the same request gets the same tag, another dialog another one") {
  Stand stand;
  Text text;
  const std::string first = tag(stand.answer(text));
  CHECK(tag(stand.answer(text)) == first);
  text.from_tag = "other";
  text.branch = "z9hG4bK2";
  CHECK(tag(stand.answer(text)) != first);
}

TEST_CASE("a CSeq of another method and an unknown version are refused") {
  Stand stand;
  std::string octets = Text().str();
  octets.replace(octets.find("1 OPTIONS\r\n"), 9, "1 MESSAGE");
  auto answers = stand.send(octets);
  REQUIRE(answers.size() == 1);
  CHECK(status(answers[0]) == 400);

  Text text;
  text.branch = "z9hG4bK2";
  octets = text.str();
  octets.replace(octets.find("SIP/2.0"), 7, "SIP/3.0");
  answers = stand.send(octets);
  REQUIRE(answers.size() == 1);
  CHECK(status(answers[0]) == 505);
}

TEST_CASE("a datagram shorter than its Content-Length gets 400") {
  Stand stand;
  std::string octets = Text().str();
  octets.replace(octets.find("Content-Length: 0"), 17, "Content-Length: 9");
  const auto answers = stand.send(octets);
  REQUIRE(answers.size() == 1);
  CHECK(status(answers[0]) == 400);
}

TEST_CASE("what can't be answered is dropped in silence") {
  Stand stand;
  const std::string good = Text().str();
  std::vector<std::string> hopeless = {
      "", "\r\n\r\n", "nonsense", "SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
      std::string("OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nSubject: \0\r\n\r\n", 48)};
  for (const char* name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    std::string without = good;
    const auto at = without.find(std::string("\r\n") + name + ":") + 2;
    without.erase(at, without.find("\r\n", at) + 2 - at);
    hopeless.push_back(without);
  }
  Text long_id;
  long_id.call_id = std::string(513, 'x');
  hopeless.push_back(long_id.str());
  Text control;
  control.extra = "Record-Route: <sip:192.0.2.1>\x01\r\n";
  hopeless.push_back(control.str());
  for (const std::string& octets : hopeless) {
    INFO(octets);
    CHECK(stand.send(octets).empty());
    CHECK(stand.verdict == Verdict::drop);
  }
}

TEST_CASE("a stray ACK and a keep-alive are swallowed") {
  Stand stand;
  Text ack;
  ack.method = "ACK";
  CHECK(stand.send(ack).empty());
  CHECK(stand.verdict == Verdict::consumed);
}

TEST_CASE("respond reads its options and rejects others") {
  struct Case {
    const char* sipfile;
    const char* says;  // empty: fine
  };
  for (const Case& c : {
           Case{"respond", ""},
           Case{"respond {\n users 100-120 alice\n users 7\n max_calls 5\n answer_after 0s\n max_expires "
                "2h\n }",
                ""},
           Case{"respond { users 20-100 }", "users wants"},
           Case{"respond { max_calls 0 }", "max_calls"},
           Case{"respond { answer_after 1h }", "answer_after"},
           Case{"respond { usrs 1 }", "users"},
       }) {
    INFO(c.sipfile);
    config::Errors errors;
    const auto nodes = config::parse_text("Sipfile", c.sipfile, {}, errors);
    read_options(nodes.at(0), errors);
    CHECK(errors.ok() == std::string(c.says).empty());
    CHECK_THAT(errors.to_string(), Contains(c.says));
  }
}

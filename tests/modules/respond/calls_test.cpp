#include <catch2/catch.hpp>

#include "stand.hpp"

using namespace sipward;
using namespace sipward::respond;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

Text invite(unsigned number = 1) {
  Text text;
  text.method = "INVITE";
  text.call_id = "call-" + std::to_string(number);
  text.branch = "z9hG4bKi" + std::to_string(number);
  text.extra = "Contact: <sip:200@198.51.100.7:5062>\r\n";
  text.body = kOffer;
  return text;
}

Text in_dialog(const std::string& method, const std::string& to_tag, unsigned cseq) {
  Text text = invite();
  text.method = method;
  text.to_tag = to_tag;
  text.cseq = cseq;
  text.branch = "z9hG4bK" + method + std::to_string(cseq);
  text.body = {};
  return text;
}

std::vector<int> statuses(const std::vector<std::string>& answers) {
  std::vector<int> out;
  for (const auto& a : answers) out.push_back(status(a));
  return out;
}

using Statuses = std::vector<int>;

// A call that was picked up and acknowledged; gives its tag.
std::string set_up(Stand& stand) {
  stand.send(invite());
  const auto answers = stand.after(200ms);
  REQUIRE(statuses(answers) == Statuses{200});
  CHECK(stand.send(in_dialog("ACK", tag(answers[0]), 1)).empty());
  return tag(answers[0]);
}

}  // namespace

TEST_CASE("a call rings, is picked up, acknowledged and ended") {
  Stand stand;
  Text call = invite();
  call.extra += "Record-Route: <sip:192.0.2.9;lr>,\r\n <sip:192.0.2.10;lr>\r\n";
  const auto ringing = stand.send(call);
  REQUIRE(statuses(ringing) == Statuses{100, 180});
  CHECK(tag(ringing[0]).empty());
  CHECK(stand.after(199ms).empty());

  const auto answered = stand.after(1ms);
  REQUIRE(statuses(answered) == Statuses{200});
  CHECK(tag(answered[0]) == tag(ringing[1]));
  CHECK(header(answered[0], "Contact") == "<sip:100@192.0.2.1>");
  CHECK(header(answered[0], "Record-Route") == "<sip:192.0.2.9;lr>, <sip:192.0.2.10;lr>");
  CHECK(header(answered[0], "Content-Type") == "application/sdp");
  CHECK_THAT(answered[0], Contains("\r\n\r\nv=0\r\n") && Contains("m=audio 9 RTP/AVP 0 8\r\n"));

  const std::string to_tag = tag(answered[0]);
  CHECK(stand.send(in_dialog("ACK", to_tag, 1)).empty());
  CHECK(stand.after(1min).empty());
  CHECK(stand.status_of(in_dialog("BYE", to_tag, 2)) == 200);
  CHECK(stand.status_of(in_dialog("BYE", to_tag, 2)) == 200);  // a retransmission
  CHECK(stand.status_of(in_dialog("INFO", to_tag, 3)) == 481);
  stand.after(32s);
  CHECK(stand.calls() == 0);
  CHECK(stand.status_of(in_dialog("BYE", to_tag, 2)) == 481);
}

TEST_CASE("the 200 is repeated at 0.5, 1, 2, 4 and 4 seconds until its ACK") {
  Stand stand;
  stand.send(invite());
  const auto first = stand.after(200ms);
  REQUIRE(first.size() == 1);
  for (const Duration pause : {500ms, 1000ms, 2000ms, 4000ms, 4000ms}) {
    CHECK(stand.after(pause - 1ms).empty());
    CHECK(stand.after(1ms) == first);
  }
  stand.send(in_dialog("ACK", tag(first[0]), 1));
  CHECK(stand.after(5min).empty());
  CHECK(stand.calls() == 1);
}

TEST_CASE("a call that is never acknowledged is forgotten after 32 s without a word") {
  Stand stand;
  stand.send(invite());
  std::size_t sent = 0;
  for (int i = 0; i < 400; ++i) sent += stand.after(100ms).size();
  CHECK(sent == 11);  // RFC 3261 13.3.1.4, 17.1.1.1
  CHECK(stand.calls() == 0);
}

TEST_CASE("an INVITE that comes again gets the last answer again") {
  Stand stand;
  const auto ringing = stand.send(invite());
  CHECK(stand.send(invite()) == std::vector{ringing[1]});
  const auto answered = stand.after(200ms);
  CHECK(stand.send(invite()) == answered);
  stand.send(in_dialog("ACK", tag(answered[0]), 1));
  CHECK(stand.send(invite()).empty());

  Text merged = invite();
  merged.branch = "z9hG4bKanother";
  CHECK(stand.status_of(merged) == 482);
}

TEST_CASE("a new INVITE after an ended call begins a new one") {
  Stand stand;
  const std::string first = set_up(stand);
  stand.send(in_dialog("BYE", first, 2));
  Text again = invite();
  again.cseq = 3;
  again.branch = "z9hG4bKagain";
  stand.send(again);
  const auto answered = stand.after(200ms);
  REQUIRE(statuses(answered) == Statuses{200});
  CHECK(tag(answered[0]) != first);
}

TEST_CASE("a CANCEL while it rings ends the INVITE with 487, repeated until its ACK") {
  Stand stand;
  const auto ringing = stand.send(invite());
  Text cancel = invite();
  cancel.method = "CANCEL";
  cancel.body = {};
  const auto answers = stand.send(cancel);
  REQUIRE(statuses(answers) == Statuses{200, 487});
  CHECK(tag(answers[1]) == tag(ringing[1]));
  CHECK(stand.after(500ms) == std::vector{answers[1]});
  CHECK(stand.send(invite()) == std::vector{answers[1]});
  CHECK(stand.status_of(in_dialog("BYE", tag(answers[1]), 2)) == 481);

  Text ack = in_dialog("ACK", tag(answers[1]), 1);
  CHECK(stand.send(ack).empty());
  CHECK(stand.after(10s).empty());
  stand.after(32s);
  CHECK(stand.calls() == 0);
}

TEST_CASE("a 487 is not repeated on a stream") {
  Stand stand;
  stand.client.transport = Transport::tcp;
  stand.client.connection = 7;
  stand.send(invite());
  Text cancel = invite();
  cancel.method = "CANCEL";
  CHECK(statuses(stand.send(cancel)) == Statuses{200, 487});
  CHECK(stand.after(31s).empty());
  stand.after(1s);
  CHECK(stand.calls() == 0);
}

TEST_CASE("a CANCEL too late or by another way changes nothing") {
  Stand stand;
  stand.send(invite());
  Text cancel = invite();
  cancel.method = "CANCEL";
  cancel.branch = "z9hG4bKother";
  CHECK(stand.status_of(cancel) == 481);
  const auto answered = stand.after(200ms);
  REQUIRE(statuses(answered) == Statuses{200});
  cancel.branch = invite().branch;
  CHECK(stand.status_of(cancel) == 200);
  CHECK(stand.after(500ms) == answered);
}

TEST_CASE("a BYE while it rings ends the INVITE too") {
  Stand stand;
  const auto ringing = stand.send(invite());
  CHECK(statuses(stand.send(in_dialog("BYE", tag(ringing[1]), 2))) == Statuses{200, 487});
  CHECK(statuses(stand.after(500ms)) == Statuses{487});
}

TEST_CASE("a re-INVITE is answered at once with a new description") {
  Stand stand;
  const std::string to_tag = set_up(stand);
  Text hold = in_dialog("INVITE", to_tag, 2);
  hold.body = std::string(kOffer) + "a=sendonly\r\n";
  stand.client.remote.port = 6000;  // the caller may have moved
  const std::string answer = stand.answer(hold);
  CHECK(status(answer) == 200);
  CHECK(tag(answer) == to_tag);
  CHECK_THAT(answer, Contains("a=recvonly") && Contains(" 2 IN IP4 192.0.2.1\r\ns="));
  CHECK(stand.after(500ms) == std::vector{answer});
  CHECK(stand.send(in_dialog("ACK", to_tag, 2)).empty());
  CHECK(stand.after(10s).empty());

  CHECK(stand.status_of(in_dialog("INVITE", to_tag, 1)) == 500);
  CHECK(stand.status_of(in_dialog("INFO", to_tag, 1)) == 500);
}

TEST_CASE("requests within a call are answered") {
  struct Case {
    const char* method;
    std::string body;
    std::string extra;
    int status;
  };
  for (const Case& c : {
           Case{"INFO", "Signal=1\r\n", "Content-Type: application/dtmf-relay\r\n", 200},
           Case{"MESSAGE", "hello", "Content-Type: text/plain\r\n", 200},
           Case{"OPTIONS", "", "", 200},
           Case{"UPDATE", "", "", 200},
           Case{"UPDATE", kOffer, "", 200},
           Case{"UPDATE", "v=0\r\nm=video 1 RTP/AVP 9\r\n", "", 488},
           Case{"UPDATE", "hello", "Content-Type: text/plain\r\n", 415},
           Case{"REFER", "", "", 405},
           Case{"BYE", "", "", 200},
       }) {
    INFO(c.method);
    Stand stand;
    const std::string to_tag = set_up(stand);
    Text text = in_dialog(c.method, to_tag, 2);
    text.body = c.body;
    text.extra = c.extra;
    CHECK(stand.status_of(text) == c.status);
  }
}

TEST_CASE("another caller's tag leads nowhere") {
  Stand stand;
  const std::string to_tag = set_up(stand);
  Text bye = in_dialog("BYE", to_tag, 2);
  bye.from_tag = "stranger";
  CHECK(stand.status_of(bye) == 481);
  bye = in_dialog("BYE", to_tag, 2);
  bye.call_id = "another";
  CHECK(stand.status_of(bye) == 481);
  CHECK(stand.status_of(in_dialog("BYE", to_tag, 2)) == 200);
}

TEST_CASE("an INVITE without an offer gets one") {
  Stand stand;
  Text text = invite();
  text.body = {};
  stand.send(text);
  const auto answered = stand.after(200ms);
  REQUIRE(answered.size() == 1);
  CHECK_THAT(answered[0], Contains("m=audio 9 RTP/AVP 0 8\r\n"));
}

TEST_CASE("an INVITE that can't be taken is refused and leaves nothing behind") {
  struct Case {
    const char* name;
    std::string extra;
    std::string body;
    int status;
  };
  for (const Case& c : {
           Case{"no common codec", "", "v=0\r\nm=audio 4000 RTP/AVP 111\r\n", 488},
           Case{"encrypted media", "", "v=0\r\nm=audio 4000 RTP/SAVP 0\r\n", 488},
           Case{"another body", "Content-Type: multipart/mixed;boundary=x\r\n", "--x", 415},
           Case{"a packed body", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", kOffer, 415},
           Case{"too much to remember", "Record-Route: <sip:" + std::string(7900, 'r') + ";lr>\r\n", kOffer,
                513},
       }) {
    INFO(c.name);
    Stand stand;
    Text text = invite();
    text.extra = c.extra;
    text.body = c.body;
    CHECK(stand.status_of(text) == c.status);
    CHECK(stand.calls() == 0);
    CHECK(stand.after(1s).empty());
  }
}

TEST_CASE("with answer_after 0s a call is picked up at once, without 100 and 180") {
  Stand stand("respond { answer_after 0s }");
  CHECK(statuses(stand.send(invite())) == Statuses{200});
}

TEST_CASE("the contact of a call leads back by the way it came") {
  struct Case {
    const char* uri;
    Transport transport;
    const char* contact;
  };
  for (const Case& c : {
           Case{"sip:100@pbx.example.com", Transport::udp, "<sip:100@pbx.example.com>"},
           Case{"sip:100:secret@[2001:db8::1]:5070;transport=tcp", Transport::tcp,
                "<sip:100@[2001:db8::1]:5070;transport=tcp>"},
           Case{"sips:100@pbx.example.com", Transport::tcp, "<sips:100@pbx.example.com>"},
           Case{"tel:100", Transport::udp, "<sip:100@192.0.2.1:5060>"},
       }) {
    INFO(c.uri);
    Stand stand("respond { answer_after 0s }");
    stand.client.transport = c.transport;
    Text text = invite();
    text.uri = c.uri;
    CHECK(header(stand.answer(text), "Contact") == c.contact);
  }
}

TEST_CASE("calls beyond max_calls get 503, and an ended one makes room") {
  Stand stand("respond {\n max_calls 2\n answer_after 0s\n }");
  CHECK(stand.status_of(invite(1)) == 200);
  const std::string second = stand.answer(invite(2));
  CHECK(status(second) == 200);
  const std::string refused = stand.answer(invite(3));
  CHECK(status(refused) == 503);
  CHECK(header(refused, "Retry-After") == "5");
  Text bye = invite(2);
  bye.method = "BYE";
  bye.to_tag = tag(second);
  bye.cseq = 2;
  bye.body = {};
  CHECK(stand.status_of(bye) == 200);
  CHECK(stand.status_of(invite(4)) == 200);
}

TEST_CASE("an address that acknowledges nothing is soon refused; the guard itself is not") {
  const CallTable::Limits limits;
  Stand stand("respond { answer_after 0s }");
  unsigned number = 0;
  for (std::size_t i = 0; i < limits.waiting; ++i) CHECK(stand.status_of(invite(++number)) == 200);
  stand.client.remote.port = 7777;  // another port of it is no help
  CHECK(stand.status_of(invite(++number)) == 503);
  stand.client.remote.address = *Address::parse("203.0.113.5");
  CHECK(stand.status_of(invite(++number)) == 200);
  stand.client.remote.address = *Address::parse("127.0.0.1");
  for (std::size_t i = 0; i < 2 * limits.waiting; ++i) CHECK(stand.status_of(invite(++number)) == 200);
}

TEST_CASE("a real timer picks up") {
  const SystemClock clock;
  Stand stand("respond { answer_after 1ms }", &clock);
  CHECK(statuses(stand.send(invite())) == Statuses{100, 180});
  stand.worker.io().run_one_for(5s);
  CHECK(statuses(stand.taken()) == Statuses{200});
}

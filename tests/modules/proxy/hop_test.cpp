#include <catch2/catch.hpp>

#include "hop_board.hpp"

using namespace sipward;
using namespace sipward::test;
using sip::HeaderId;
using Counts = sipward::proxy::ProxyMetrics;

namespace {

Socket phone_at(const std::string& address = "127.0.0.2") {
  return Socket(SOCK_DGRAM, loopback(address));
}

}  // namespace

TEST_CASE("hop: a request gets our Via and loses a hop, and nothing else changes") {
  HopBoard board;
  auto phone = phone_at();
  auto text = numbered("OPTIONS", "a");
  text.extra = "x-Odd :  ;;,,;\"(\r\nSubject: folded\r\n  here\r\n";
  auto got = board.to_pbx(phone, text.request());
  const auto vias = got.values(HeaderId::via);
  REQUIRE(vias.size() == 2);
  CHECK(vias[0] == "SIP/2.0/UDP " + board.pbx.from.to_string() + ";branch=" + got.branch() + ";rport");
  const auto from = phone.local();
  auto expected = replaced(text.request(), ";rport\r\n",
                           ";received=127.0.0.2;rport=" + std::to_string(from.port) + "\r\n");
  expected = replaced(expected, "Max-Forwards: 70", "Max-Forwards: 69");
  CHECK(got.octets == replaced(expected, "Via:", "Via: " + vias[0] + "\r\nVia:"));
}

TEST_CASE("hop: what a client claims of its own source is overwritten") {
  HopBoard board;
  auto phone = phone_at();
  const auto request =
      replaced(numbered("OPTIONS", "a").request(), ";rport", ";received=198.51.100.7;x=y;rport=9");
  auto got = board.to_pbx(phone, request);
  CHECK(got.values(HeaderId::via).at(1) ==
        "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa;x=y;received=127.0.0.2;rport=" +
            std::to_string(phone.local().port));
}

TEST_CASE("hop: the answer comes back to where its request came from, without our Via") {
  HopBoard board;
  auto phone = phone_at();
  auto request = board.to_pbx(phone, numbered("OPTIONS", "a").request());
  const auto answer = request.answer(200, "pbx", "X-More: 1\r\n");
  board.pbx.socket.send_to(answer, board.pbx.from);
  Endpoint from;
  CHECK(phone.receive(&from) == replaced(answer, "Via: " + request.values(HeaderId::via)[0] + "\r\n", ""));
  CHECK(from == board.guard);
}

TEST_CASE("hop: a joined and compact Via of an answer is taken apart") {
  HopBoard board;
  auto phone = phone_at();
  auto request = board.to_pbx(phone, numbered("OPTIONS", "a").request());
  const auto vias = request.values(HeaderId::via);
  const auto lines = "Via: " + vias[0] + "\r\nVia: " + vias[1] + "\r\n";
  const auto answer = request.answer(200);
  board.pbx.socket.send_to(replaced(answer, lines, "v: " + vias[0] + ",\r\n " + vias[1] + "\r\n"),
                           board.pbx.from);
  CHECK(phone.receive() == replaced(answer, lines, "v: " + vias[1] + "\r\n"));
}

TEST_CASE("hop: a retransmission, the CANCEL and the ACK to a refusal have the branch of their INVITE") {
  HopBoard board;
  auto phone = phone_at();
  auto text = numbered("INVITE", "i");
  auto invite = board.to_pbx(phone, text.request());
  CHECK(board.to_pbx(phone, text.request()).octets == invite.octets);
  auto cancel = text;
  cancel.method = "CANCEL";
  CHECK(board.to_pbx(phone, cancel.request()).branch() == invite.branch());
  auto refused = board.answer(phone, invite, 486);
  CHECK(refused.message.status() == 486);
  auto ack = text;
  ack.method = "ACK";
  ack.to_tag = "pbx";
  CHECK(board.to_pbx(phone, ack.request()).branch() == invite.branch());
  auto other = text;
  other.branch += "2";
  other.cseq = 2;
  CHECK(board.to_pbx(phone, other.request()).branch() != invite.branch());
}

TEST_CASE("hop: two clients with the same branch get different ones") {
  HopBoard board;
  auto one = phone_at("127.0.0.2"), two = phone_at("127.0.0.3");
  auto text = numbered("OPTIONS", "same");
  const auto first = board.to_pbx(one, text.request()).branch();
  text.call_id = "another";
  CHECK(board.to_pbx(two, text.request()).branch() != first);
}

TEST_CASE("hop: answers that are not to our requests are dropped and counted") {
  HopBoard board;
  auto phone = phone_at();
  auto request = board.to_pbx(phone, numbered("OPTIONS", "a").request());
  const auto right = request.answer(200);
  const auto branch = request.branch();
  auto forged = branch;
  forged.back() = forged.back() == 'a' ? 'b' : 'a';
  board.pbx.socket.send_to(replaced(right, branch, forged), board.pbx.from);
  CHECK(board.drops(Counts::stray_response, 1));
  board.pbx.socket.send_to(replaced(right, branch, "z9hG4bKother"), board.pbx.from);
  CHECK(board.drops(Counts::stray_response, 2));
  board.pbx.socket.send_to(replaced(right, board.pbx.from.to_string(), "127.0.0.1:9"), board.pbx.from);
  CHECK(board.drops(Counts::stray_response, 3));
  const auto vias = request.values(HeaderId::via);
  board.pbx.socket.send_to(replaced(right, "Via: " + vias[1] + "\r\n", ""), board.pbx.from);
  CHECK(board.drops(Counts::stray_response, 4));
  Socket stranger(SOCK_DGRAM, loopback("127.0.0.9"));
  stranger.send_to(right, board.pbx.from);
  CHECK(board.drops(Counts::stray_response, 5));
  board.pbx.socket.send_to(right, board.pbx.from);
  CHECK(Got(phone.receive()).message.status() == 200);
}

TEST_CASE("hop: a request without Max-Forwards gets 70") {
  HopBoard board;
  auto phone = phone_at();
  const auto got =
      board.to_pbx(phone, replaced(numbered("OPTIONS", "a").request(), "Max-Forwards: 70\r\n", ""));
  CHECK(got.value(HeaderId::max_forwards) == "70");
}

TEST_CASE("hop: requests that may not go on are refused") {
  HopBoard board;
  auto phone = phone_at();
  const auto refused = [&](const std::string& request) {
    phone.send_to(request, board.guard);
    return Got(phone.receive());
  };
  CHECK(
      refused(replaced(numbered("OPTIONS", "a").request(), "Forwards: 70", "Forwards: 0")).message.status() ==
      483);
  CHECK(
      refused(replaced(numbered("OPTIONS", "f").request(), "Forwards: 70", "Forwards: x")).message.status() ==
      400);
  auto text = numbered("OPTIONS", "b");
  text.uri = "gopher:100";
  CHECK(refused(text.request()).message.status() == 416);
  text = numbered("OPTIONS", "c");
  text.extra = "Proxy-Require: foo, bar\r\n";
  const auto extension = refused(text.request());
  CHECK(extension.message.status() == 420);
  CHECK(extension.value(HeaderId::unsupported) == "foo, bar");
  CHECK(
      refused(replaced(numbered("OPTIONS", "d").request(), "SIP/2.0\r\n", "SIP/3.0\r\n")).message.status() ==
      505);
  // What is asked of ACK and CANCEL in Proxy-Require means nothing.
  text = numbered("CANCEL", "e");
  text.extra = "Proxy-Require: foo\r\n";
  CHECK(board.to_pbx(phone, text.request()).first_line().starts_with("CANCEL"));
}

TEST_CASE("hop: schemes that calls have go on") {
  HopBoard board;
  auto phone = phone_at();
  for (const auto* uri : {"tel:+4989123", "sips:a@b", "urn:service:sos"}) {
    auto text = numbered("INVITE", uri);
    text.uri = uri;
    CHECK(board.to_pbx(phone, text.request()).message.request_uri() == uri);
  }
}

TEST_CASE("hop: a call keeps us on its route, both ways") {
  HopBoard board;
  auto phone = phone_at();
  auto text = numbered("INVITE", "call");
  auto invite = board.to_pbx(phone, text.request());
  const auto route = invite.uris(HeaderId::record_route);
  REQUIRE(route.size() == 2);
  CHECK(route[0].ends_with("@" + board.pbx.from.to_string() + ";lr"));
  CHECK(route[1].ends_with("@" + board.guard.to_string() + ";lr"));
  auto ok = board.answer(phone, invite, 200, "Contact: <sip:100@127.0.0.1>\r\n");
  REQUIRE(ok.uris(HeaderId::record_route) == route);

  auto ack = numbered("ACK", "call2");
  ack.call_id = text.call_id;
  ack.to_tag = "pbx";
  ack.extra = routes(reversed(route));
  auto acked = board.to_pbx(phone, ack.request());
  CHECK(acked.first_line().starts_with("ACK"));
  CHECK(acked.values(HeaderId::route).empty());

  auto bye = numbered("BYE", "bye");
  bye.call_id = text.call_id;
  bye.uri = "sip:alice@192.0.2.10";
  bye.from_tag = "pbx";
  bye.to_tag = text.from_tag;
  bye.extra = routes(route) + routes({"sip:behind@192.0.2.77;lr"});
  auto byed = board.to_phone(phone, bye.request());
  CHECK(byed.first_line() == "BYE sip:alice@192.0.2.10 SIP/2.0");
  CHECK(byed.uris(HeaderId::route) == std::vector<std::string>{"sip:behind@192.0.2.77;lr"});
  CHECK(byed.value(HeaderId::max_forwards) == "69");
  CHECK(byed.values(HeaderId::via).at(0).starts_with("SIP/2.0/UDP " + board.guard.to_string() + ";branch="));

  phone.send_to(byed.answer(200), board.guard);
  Endpoint from;
  const auto answered = Got(board.pbx.socket.receive(&from));
  CHECK(answered.message.status() == 200);
  CHECK(answered.values(HeaderId::via).size() == 1);
  CHECK(from == board.pbx.from);
}

TEST_CASE("hop: routes that a client brings itself are not followed") {
  HopBoard board;
  auto phone = phone_at();
  auto text = numbered("INVITE", "i");
  text.extra = "Route: <sip:" + board.guard.to_string() + ";lr>, <sip:10.0.0.9;lr>\r\n";
  auto invite = board.to_pbx(phone, text.request());
  CHECK(invite.values(HeaderId::route).empty());
  // With a To tag it made up, and with the route of another dialog.
  auto inside = numbered("INFO", "j");
  inside.to_tag = "guess";
  inside.extra = routes({"sip:10.0.0.9;lr"});
  CHECK(board.to_pbx(phone, inside.request()).values(HeaderId::route).empty());
  inside = numbered("INFO", "k");
  inside.to_tag = "guess";
  inside.extra = routes(reversed(invite.uris(HeaderId::record_route))) + routes({"sip:10.0.0.9;lr"});
  const auto others = board.to_pbx(phone, inside.request()).uris(HeaderId::route);
  CHECK(std::find(others.begin(), others.end(), "sip:10.0.0.9;lr") == others.end());
  // The same in its own dialog.
  inside.branch += "l";
  inside.call_id = text.call_id;
  CHECK(board.to_pbx(phone, inside.request()).uris(HeaderId::route) ==
        std::vector<std::string>{"sip:10.0.0.9;lr"});
}

TEST_CASE("hop: the PBX calls a registered phone, and its answers find back") {
  HopBoard board;
  auto phone = phone_at();
  board.enlist(phone, "sip:alice@192.168.1.5:5062");
  auto text = numbered("INVITE", "down");
  text.uri = "sip:alice@192.168.1.5:5062";
  auto invite = board.to_phone(phone, text.request());
  CHECK(invite.first_line() == "INVITE sip:alice@192.168.1.5:5062 SIP/2.0");
  const auto route = invite.uris(HeaderId::record_route);
  REQUIRE(route.size() == 2);
  CHECK(route[0].ends_with("@" + board.guard.to_string() + ";lr"));
  CHECK(board.to_phone(phone, text.request()).octets == invite.octets);
  phone.send_to(invite.answer(180, "phone"), board.guard);
  auto ringing = Got(board.pbx.receive());
  CHECK(ringing.message.status() == 180);
  CHECK(ringing.uris(HeaderId::record_route) == route);
  auto cancel = text;
  cancel.method = "CANCEL";
  CHECK(board.to_phone(phone, cancel.request()).branch() == invite.branch());

  auto bye = numbered("BYE", "up");  // by the phone, had it taken the call
  bye.call_id = text.call_id;
  bye.from_tag = "phone";
  bye.to_tag = text.from_tag;
  bye.extra = routes(route) + routes({"sip:127.0.0.1:5099;lr"});
  CHECK(board.to_pbx(phone, bye.request()).uris(HeaderId::route) ==
        std::vector<std::string>{"sip:127.0.0.1:5099;lr"});
}

TEST_CASE("hop: an answer of a client that was asked nothing is dropped") {
  HopBoard board;
  auto phone = phone_at();
  board.enlist(phone, "sip:alice@192.168.1.5:5062");
  auto text = numbered("INVITE", "down");
  text.uri = "sip:alice@192.168.1.5:5062";
  auto invite = board.to_phone(phone, text.request());
  const auto right = invite.answer(200, "phone");
  const auto rport = ";rport=" + std::to_string(board.pbx.at.port);
  phone.send_to(replaced(right, rport, ";rport=9"), board.guard);
  CHECK(board.drops(Counts::stray_response, 1));
  phone.send_to(replaced(right, "received=127.0.0.1", "received=10.0.0.9"), board.guard);
  CHECK(board.drops(Counts::stray_response, 2));
  phone.send_to(right, board.guard);
  CHECK(Got(board.pbx.receive()).message.status() == 200);
}

TEST_CASE("hop: calls of the PBX to nobody are answered, calls of strangers are not") {
  HopBoard board;
  auto phone = phone_at();
  board.enlist(phone, "sip:alice@192.168.1.5:5062");
  const auto refused = [&](const SipText& text) {
    board.pbx.socket.send_to(text.request(), board.pbx.from);
    return Got(board.pbx.socket.receive()).message.status();
  };
  auto text = numbered("INVITE", "nobody");
  text.uri = "sip:nobody@192.168.1.9";
  CHECK(refused(text) == 404);
  text = numbered("BYE", "gone");
  text.uri = "sip:nobody@192.168.1.9";
  text.to_tag = "x";
  CHECK(refused(text) == 481);
  text = numbered("OPTIONS", "far");
  text.uri = "sip:alice@192.168.1.5:5062";
  board.pbx.socket.send_to(replaced(text.request(), "Forwards: 70", "Forwards: 0"), board.pbx.from);
  CHECK(Got(board.pbx.socket.receive()).message.status() == 483);
  Socket stranger(SOCK_DGRAM, loopback("127.0.0.9"));
  stranger.send_to(text.request(), board.pbx.from);
  CHECK(board.drops(Counts::stray_request, 3));
}

TEST_CASE("hop: a REGISTER with path gets one that leads the PBX's calls, and outbound is not offered") {
  HopBoard board;
  auto phone = phone_at();
  auto text = numbered("REGISTER", "r");
  text.extra = "Contact: <sip:alice@192.168.1.5>\r\nSupported: gruu, outbound, path\r\n";
  auto request = board.to_pbx(phone, text.request());
  const auto path = request.uris(HeaderId::path);
  REQUIRE(path.size() == 1);
  CHECK(path[0].ends_with("@" + board.pbx.from.to_string() + ";lr"));
  CHECK(request.value(HeaderId::supported) == "gruu, path");
  CHECK(request.values(HeaderId::record_route).empty());
  auto call = numbered("INVITE", "down");
  call.uri = "sip:somebody@192.168.1.77";
  call.extra = routes(path);
  auto invite = board.to_phone(phone, call.request());
  CHECK(invite.first_line() == "INVITE sip:somebody@192.168.1.77 SIP/2.0");
  CHECK(invite.values(HeaderId::route).empty());
  // A client that uses it as a route gets nowhere.
  auto inside = numbered("INFO", "k");
  inside.to_tag = "guess";
  inside.extra = routes(path) + routes({"sip:10.0.0.9;lr"});
  const auto others = board.to_pbx(phone, inside.request()).uris(HeaderId::route);
  CHECK(others.empty());
}

TEST_CASE("hop: a registration without path is left without") {
  HopBoard board;
  auto phone = phone_at();
  auto text = numbered("REGISTER", "r");
  text.extra = "Contact: <sip:alice@192.168.1.5>\r\n";
  CHECK(board.to_pbx(phone, text.request()).values(HeaderId::path).empty());
}

TEST_CASE("hop: the PBX may call at the listening port, and is no client there") {
  HopBoard board;
  auto phone = phone_at();
  board.enlist(phone, "sip:alice@192.168.1.5:5062");
  auto text = numbered("INVITE", "down");
  text.uri = "sip:alice@192.168.1.5:5062";
  board.pbx.socket.send_to(text.request(), board.guard);
  auto invite = Got(phone.receive());
  CHECK(invite.first_line() == "INVITE sip:alice@192.168.1.5:5062 SIP/2.0");
  phone.send_to(invite.answer(486, "phone"), board.guard);
  CHECK(Got(board.pbx.receive()).message.status() == 486);
  text = numbered("INVITE", "nobody");
  text.uri = "sip:nobody@192.168.1.9";
  board.pbx.socket.send_to(text.request(), board.guard);
  CHECK(Got(board.pbx.receive()).message.status() == 404);
  // Another port of the same machine is a client's.
  Socket beside(SOCK_DGRAM, loopback("127.0.0.1"));
  CHECK(board.to_pbx(beside, numbered("OPTIONS", "beside").request()).first_line().starts_with("OPTIONS"));
}

TEST_CASE("hop: with several workers every message finds the one that knows its client") {
  HopBoard board({"udp/127.0.0.1:0"}, 4);
  std::vector<Socket> phones;
  std::vector<Endpoint> ports;
  for (int i = 0; i < 12; ++i) {
    phones.push_back(phone_at("127.0.0." + std::to_string(i + 2)));
    const auto contact = "sip:u" + std::to_string(i) + "@192.168.1.5";
    board.enlist(phones.back(), contact);
    ports.push_back(board.pbx.from);
  }
  for (std::size_t i = 0; i < phones.size(); ++i) {
    auto text = numbered("INVITE", "down" + std::to_string(i));
    text.uri = "sip:u" + std::to_string(i) + "@192.168.1.5";
    // By the port of some other worker, or by the listener.
    board.pbx.socket.send_to(text.request(), i % 3 == 0 ? board.guard : ports[(i + 1) % ports.size()]);
    auto invite = Got(phones[i].receive());
    CHECK(invite.message.request_uri() == text.uri);
    phones[i].send_to(invite.answer(200, "phone"), board.guard);
    CHECK(Got(board.pbx.receive()).message.status() == 200);
    auto bye = numbered("BYE", "bye" + std::to_string(i));
    bye.uri = "sip:elsewhere@192.168.1.5";
    bye.call_id = text.call_id;
    bye.to_tag = "phone";
    bye.extra = routes(reversed(invite.uris(HeaderId::record_route)));
    board.pbx.socket.send_to(bye.request(), ports[(i + 2) % ports.size()]);
    CHECK(Got(phones[i].receive()).first_line().starts_with("BYE sip:elsewhere"));
  }
  auto text = numbered("INVITE", "nobody");
  text.uri = "sip:nobody@192.168.1.9";
  board.pbx.socket.send_to(text.request(), board.guard);
  CHECK(Got(board.pbx.receive()).message.status() == 404);
}

TEST_CASE("hop: our values of a route from before a restart are taken off, and do not lead") {
  std::vector<std::string> route;
  std::string call_id;
  {
    HopBoard before;
    auto phone = phone_at();
    auto text = numbered("INVITE", "call");
    auto invite = before.to_pbx(phone, text.request());
    route = invite.uris(HeaderId::record_route);
    call_id = text.call_id;
  }
  HopBoard board;
  auto phone = phone_at();
  auto bye = numbered("BYE", "bye");
  bye.call_id = call_id;
  bye.to_tag = "pbx";
  bye.extra = routes({route[1].substr(0, route[1].find('@') + 1) + board.guard.to_string() + ";lr", route[0],
                      "sip:10.0.0.9;lr"});
  const auto got = board.to_pbx(phone, bye.request());
  CHECK(got.first_line().starts_with("BYE "));
  CHECK(got.values(HeaderId::route).empty());
}

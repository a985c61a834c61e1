#include <catch2/catch.hpp>

#include "hop_board.hpp"

using namespace sipward;
using namespace sipward::test;
using sip::HeaderId;

namespace {

// One message of a stream without bodies.
Got next(Socket& stream) {
  std::string octets;
  while (!octets.ends_with("\r\n\r\n")) {
    const auto more = stream.read(1);
    if (more.empty()) break;
    octets += more;
  }
  return Got(octets);
}

SipText over_tcp(const std::string& method, const std::string& id) {
  auto text = numbered(method, id);
  text.transport = "TCP";
  return text;
}

// A phone on TCP, and a PBX on UDP.
struct Bridge : HopBoard {
  Socket phone{SOCK_STREAM, loopback("127.0.0.2")};
  Bridge() : HopBoard({"tcp/127.0.0.1:0"}) { phone.connect(guard); }

  Got up(const SipText& text) {
    phone.send(text.request());
    return Got(pbx.receive());
  }
  Got down(const std::string& octets) {
    pbx.socket.send_to(octets, pbx.from);
    return next(phone);
  }
  // What the PBX gets that is not `method`.
  Got received_but(const std::string& method) {
    for (;;) {
      Got got(pbx.receive());
      if (got.octets.empty() || !got.first_line().starts_with(method)) return got;
    }
  }
  void enlist(const std::string& contact) {
    auto text = over_tcp("REGISTER", "enlist");
    text.extra = "Contact: <" + contact + ">\r\n";
    auto request = up(text);
    down(request.answer(200, "pbx", "Contact: <" + contact + ">;expires=60\r\n"));
  }
};

}  // namespace

TEST_CASE("hop: a stream client's request is repeated until the PBX answers, and the answer comes once") {
  Bridge bridge;
  auto request = bridge.up(over_tcp("OPTIONS", "a"));
  CHECK(request.values(HeaderId::via).at(1).starts_with("SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bKa"));
  CHECK(bridge.pbx.receive() == request.octets);  // as if the first had been lost
  bridge.pbx.socket.send_to(request.answer(200), bridge.pbx.from);
  auto answer = bridge.down(request.answer(200));
  CHECK(answer.message.status() == 200);
  bridge.phone.send(over_tcp("OPTIONS", "b").request());
  request = bridge.received_but("nothing");
  CHECK(bridge.down(request.answer(486)).message.status() == 486);  // and no other 200
}

TEST_CASE("hop: the PBX's refusal is acknowledged for a stream client, whose own ACK ends here") {
  Bridge bridge;
  const auto text = over_tcp("INVITE", "i");
  auto invite = bridge.up(text);
  CHECK(bridge.down(invite.answer(100, "")).message.status() == 100);
  CHECK(bridge.down(invite.answer(486)).message.status() == 486);
  auto ack = bridge.received_but("INVITE");
  CHECK(ack.first_line() == "ACK sip:100@example.com SIP/2.0");
  CHECK(ack.branch() == invite.branch());
  auto own = text;
  own.method = "ACK";
  own.to_tag = "pbx";
  bridge.phone.send(own.request());
  auto after = bridge.up(over_tcp("OPTIONS", "after"));
  CHECK(after.first_line().starts_with("OPTIONS"));
  // Its refusal once more, as if our ACK had been lost.
  bridge.pbx.socket.send_to(invite.answer(486), bridge.pbx.from);
  CHECK(bridge.received_but("OPTIONS").first_line().starts_with("ACK"));
}

TEST_CASE("hop: a stream client's call, its ACK and the BYE of the PBX find their way") {
  Bridge bridge;
  const auto text = over_tcp("INVITE", "call");
  auto invite = bridge.up(text);
  const auto route = invite.uris(HeaderId::record_route);
  REQUIRE(route.size() == 2);
  CHECK(route[1].ends_with("@" + bridge.guard.to_string() + ";transport=tcp;lr"));
  auto ok = invite.answer(200, "pbx", "Contact: <sip:100@127.0.0.1>\r\n");
  ok = replaced(ok, "Content-Length: 0\r\n", "");  // a datagram needs none
  auto answer = bridge.down(ok);
  CHECK(answer.message.status() == 200);
  CHECK(answer.value(HeaderId::content_length) == "0");
  auto ack = over_tcp("ACK", "ack");
  ack.call_id = text.call_id;
  ack.to_tag = "pbx";
  ack.extra = routes(reversed(route));
  bridge.phone.send(ack.request());
  CHECK(bridge.received_but("INVITE").first_line().starts_with("ACK"));
  auto bye = numbered("BYE", "bye");
  bye.call_id = text.call_id;
  bye.from_tag = "pbx";
  bye.to_tag = text.from_tag;
  bye.extra = routes(route);
  auto got = bridge.down(bye.request());
  CHECK(got.first_line().starts_with("BYE"));
  CHECK(got.values(HeaderId::via).at(0).starts_with("SIP/2.0/TCP " + bridge.guard.to_string()));
  bridge.phone.send(got.answer(200));
  const auto answered = bridge.received_but("nothing");
  CHECK(answered.message.status() == 200);
  // The BYE once more, as if its answer had been lost.
  bridge.pbx.socket.send_to(bye.request(), bridge.pbx.from);
  CHECK(bridge.pbx.receive() == answered.octets);
}

TEST_CASE("hop: a stream client's CANCEL is answered at once, and reaches the PBX after its first answer") {
  Bridge bridge;
  const auto text = over_tcp("INVITE", "i");
  auto invite = bridge.up(text);
  auto cancel = text;
  cancel.method = "CANCEL";
  bridge.phone.send(cancel.request());
  auto answer = next(bridge.phone);
  CHECK(answer.message.status() == 200);
  CHECK(answer.message.cseq().method == sip::Method::cancel);
  CHECK(bridge.down(invite.answer(180)).message.status() == 180);
  auto cancelled = bridge.received_but("INVITE");
  CHECK(cancelled.first_line() == "CANCEL sip:100@example.com SIP/2.0");
  CHECK(cancelled.branch() == invite.branch());
  CHECK(cancelled.values(HeaderId::via).size() == 1);
  bridge.pbx.socket.send_to(cancelled.answer(200), bridge.pbx.from);
  CHECK(bridge.down(invite.answer(487)).message.status() == 487);
  // Of what is not under way nothing can be cancelled.
  auto other = over_tcp("CANCEL", "other");
  bridge.phone.send(other.request());
  CHECK(next(bridge.phone).message.status() == 481);
}

TEST_CASE("hop: the PBX's call to a stream client is tried once, and refused until its ACK") {
  Bridge bridge;
  bridge.enlist("sip:alice@192.168.1.5;transport=tcp");
  auto text = numbered("INVITE", "down");
  text.uri = "sip:alice@192.168.1.5;transport=tcp";
  bridge.pbx.socket.send_to(text.request(), bridge.pbx.from);
  CHECK(Got(bridge.pbx.receive()).message.status() == 100);
  auto invite = next(bridge.phone);
  CHECK(invite.message.request_uri() == text.uri);
  bridge.pbx.socket.send_to(text.request(), bridge.pbx.from);  // as if the 100 had been lost
  CHECK(Got(bridge.pbx.receive()).message.status() == 100);
  bridge.phone.send(invite.answer(100, ""));
  bridge.phone.send(invite.answer(180, "phone"));
  CHECK(Got(bridge.pbx.receive()).message.status() == 180);
  bridge.phone.send(invite.answer(486, "phone"));
  const auto refusal = bridge.pbx.receive();
  CHECK(Got(refusal).message.status() == 486);
  auto ack = next(bridge.phone);  // and no second INVITE before it
  CHECK(ack.first_line().starts_with("ACK"));
  CHECK(ack.branch() == invite.branch());
  CHECK(bridge.pbx.receive() == refusal);  // repeated
  auto own = text;
  own.method = "ACK";
  own.to_tag = "phone";
  bridge.pbx.socket.send_to(own.request(), bridge.pbx.from);
  auto options = numbered("OPTIONS", "next");
  options.uri = text.uri;
  CHECK(bridge.down(options.request()).first_line().starts_with("OPTIONS"));
}

TEST_CASE("hop: the PBX is told when a registered client's connection is gone") {
  Bridge bridge;
  bridge.enlist("sip:alice@192.168.1.5;transport=tcp");
  bridge.phone.close();
  auto text = numbered("OPTIONS", "down");
  text.uri = "sip:alice@192.168.1.5;transport=tcp";
  unsigned status = 0;
  CHECK(bridge.site.eventually([&] {
    text.branch += "x";
    bridge.pbx.socket.send_to(text.request(), bridge.pbx.from);
    status = Got(bridge.pbx.socket.receive(nullptr, std::chrono::milliseconds(200))).message.status();
    return status == 430;
  }));
}

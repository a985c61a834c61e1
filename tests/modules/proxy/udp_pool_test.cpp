#include <catch2/catch.hpp>
#include <set>

#include "switchboard.hpp"

using namespace sipward;
using namespace sipward::test;
using Counts = sipward::proxy::ProxyMetrics;

namespace {

struct Pool : Switchboard {
  Upstream pbx;
  Endpoint guard;
  Pool() {
    forward({"udp/127.0.0.1:0"}, {"udp/pbx:5060"});
    resolve("pbx", pbx.at);
    guard = site.bound();
  }
};

}  // namespace

TEST_CASE("unproven clients share four sockets, and each gets its own answer") {
  Pool board;
  std::set<Port> ports;
  std::vector<Socket> clients;
  for (int i = 0; i < 40; ++i) clients.emplace_back(SOCK_DGRAM, loopback("127.0.2." + std::to_string(i + 1)));
  std::vector<std::pair<SipText, Endpoint>> requests;
  for (int i = 0; i < 40; ++i) {
    const auto text = numbered("OPTIONS", std::to_string(i));
    clients[static_cast<std::size_t>(i)].send_to(text.request(), board.guard);
    CHECK(board.pbx.receive() == text.request());
    ports.insert(board.pbx.from.port);
    requests.emplace_back(text, board.pbx.from);
  }
  CHECK(ports.size() <= 4);
  CHECK(ports.size() > 1);
  for (auto it = requests.rbegin(); it != requests.rend(); ++it)
    board.pbx.socket.send_to(it->first.response(200), it->second);
  for (std::size_t i = 0; i < 40; ++i) {
    Endpoint from;
    CHECK(clients[i].receive(&from) == requests[i].first.response(200));
    CHECK(from == board.guard);
  }
}

TEST_CASE("an unproven client is seen by the upstream at one port") {
  Pool board;
  Socket client(SOCK_DGRAM, loopback());
  std::set<Port> ports;
  for (int i = 0; i < 10; ++i) {
    client.send_to(numbered("OPTIONS", std::to_string(i)).request(), board.guard);
    board.pbx.receive();
    ports.insert(board.pbx.from.port);
  }
  CHECK(ports.size() == 1);
}

TEST_CASE("an answer to nobody's request is dropped and counted") {
  Pool board;
  Socket client(SOCK_DGRAM, loopback());
  const auto text = numbered("OPTIONS", "a");
  client.send_to(text.request(), board.guard);
  board.pbx.receive();
  board.pbx.answer(numbered("OPTIONS", "b"), 200);
  CHECK(board.drops(Counts::stray_response));
  // The right transaction at the wrong member of the pool.
  std::set<Port> ports{board.pbx.from.port};
  const auto own = board.pbx.from;
  for (int i = 0; ports.size() < 2 && i < 100; ++i) {
    Socket other(SOCK_DGRAM, loopback("127.0.3." + std::to_string(i + 1)));
    other.send_to(numbered("OPTIONS", "o" + std::to_string(i)).request(), board.guard);
    board.pbx.receive();
    ports.insert(board.pbx.from.port);
  }
  REQUIRE(board.pbx.from.port != own.port);
  board.pbx.answer(text, 200);
  CHECK(board.drops(Counts::stray_response, 2));
  board.pbx.socket.send_to(text.response(200), own);
  CHECK(client.receive() == text.response(200));
}

TEST_CASE("an unproven client's answer to nothing is dropped and counted") {
  Pool board;
  Socket client(SOCK_DGRAM, loopback());
  client.send_to(numbered("INVITE", "x").response(200), board.guard);
  CHECK(board.drops(Counts::stray_response));
}

TEST_CASE("the upstream calls a phone that registered without digest through the pool") {
  Pool board;
  Socket phone(SOCK_DGRAM, loopback());
  auto text = numbered("REGISTER", "r");
  text.extra = "Contact: <sip:alice@192.168.1.5:5062>\r\n";
  phone.send_to(text.request(), board.guard);
  board.pbx.receive();
  board.pbx.answer(text, 200, text.extra);
  REQUIRE_FALSE(phone.receive().empty());
  for (const auto* uri : {"sip:alice@192.168.1.5:5062", "sip:alice@127.0.0.1"}) {
    INFO(uri);
    auto call = numbered("INVITE", uri);
    call.uri = uri;
    board.pbx.socket.send_to(call.request(), board.pbx.from);
    CHECK(phone.receive() == call.request());
  }
  auto stray = numbered("INVITE", "stray");
  stray.uri = "sip:bob@127.0.0.1";
  board.pbx.socket.send_to(stray.request(), board.pbx.from);
  CHECK(board.drops(Counts::stray_request));
}

TEST_CASE("the upstream ends the call of an unproven caller through the pool") {
  Pool board;
  Socket caller(SOCK_DGRAM, loopback());
  const auto invite = numbered("INVITE", "i");
  caller.send_to(invite.request(), board.guard);
  board.pbx.receive();
  board.pbx.answer(invite, 200);
  REQUIRE_FALSE(caller.receive().empty());
  auto bye = numbered("BYE", "bye");
  bye.call_id = invite.call_id;
  bye.from_tag = "pbx";
  bye.to_tag = invite.from_tag;
  board.pbx.socket.send_to(bye.request(), board.pbx.from);
  CHECK(caller.receive() == bye.request());
}

TEST_CASE("what is no SIP or has no clear end does not reach the upstream") {
  Pool board;
  Socket client(SOCK_DGRAM, loopback());
  client.send_to("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9\r\nl: 99\r\n\r\n", board.guard);
  client.send_to("this is not SIP, and long enough to be looked at", board.guard);
  CHECK(board.drops(Counts::unframed, 2));
  auto text = numbered("OPTIONS", "a");
  client.send_to(text.request() + "smuggled", board.guard);
  CHECK(board.pbx.receive() == text.request());
}

TEST_CASE("another client can't use a transaction's identifiers, proven or not") {
  Pool board;
  Socket first(SOCK_DGRAM, loopback("127.0.0.2")), second(SOCK_DGRAM, loopback("127.0.0.3"));
  const auto text = numbered("OPTIONS", "a");
  first.send_to(text.request(), board.guard);
  board.pbx.receive();
  second.send_to(text.request(), board.guard);
  CHECK(board.drops(Counts::transaction_conflict));
  prove(second, board.guard, board.pbx, "second");
  second.send_to(text.request(), board.guard);
  CHECK(board.drops(Counts::transaction_conflict, 2));
}

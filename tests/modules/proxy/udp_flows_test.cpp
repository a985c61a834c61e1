#include <catch2/catch.hpp>
#include <set>

#include "switchboard.hpp"
#include "udp_flows.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;
using Counts = sipward::proxy::ProxyMetrics;
using sipward::proxy::UdpFlows;

namespace {

// Flows of one worker, with a limit of the test's choice; what they send to clients leaves by a real
// listener.
struct Flows {
  Switchboard board;
  Upstream pbx;
  std::unique_ptr<UdpFlows> flows;
  int serial = 0;

  explicit Flows(std::size_t limit) {
    board.site.serve(tree_of({"udp/127.0.0.1:0"}, std::make_unique<Script>()));
    board.site.run(
        [&](Worker& worker) { flows = std::make_unique<UdpFlows>(worker, board.counters, limit); });
  }
  ~Flows() {
    board.site.run([&](Worker&) { flows.reset(); });
  }
  // A UDP client that echoed a nonce.
  Peer echoing(int n) {
    Peer peer;
    peer.remote = loopback("127.0.9.2", static_cast<Port>(n));
    board.site.run([&](Worker& worker) {
      sip::Message message;
      auto text = numbered("REGISTER", "e" + std::to_string(n));
      const auto answer = text.response(401, "t", kChallenge);
      message.parse(answer, sip::Framing::datagram);
      worker.sources().outbound(message, peer, nullptr, worker.now());
      text.extra = kCredentials;
      const auto request = text.request();
      message.parse(request, sip::Framing::datagram);
      worker.sources().inbound(message, peer, worker.now());
    });
    return peer;
  }
  // Sends a request of that client; the port by which the upstream got it.
  Port send(const Peer& peer, const std::string& method = "OPTIONS") {
    return send(peer, numbered(method, "s" + std::to_string(++serial)).request(), pbx);
  }
  Port send(const Peer& peer, const std::string& octets, Upstream& to) {
    board.site.run([&](Worker& worker) {
      Packet packet(worker, Direction::inbound);
      packet.assign(peer, octets);
      flows->forward(packet, to.at);
    });
    CHECK(to.receive() == octets);
    return to.from.port;
  }
  std::size_t size() {
    return board.site.run([&](Worker&) { return flows->size(); });
  }
};

}  // namespace

TEST_CASE("a client that proves itself gets a socket of its own, and answers come back by it") {
  Switchboard board;
  Upstream pbx;
  board.forward({"udp/127.0.0.1:0"}, {"udp/pbx:5060"});
  board.resolve("pbx", pbx.at);
  const auto guard = board.site.bound();
  Socket stranger(SOCK_DGRAM, loopback()), alice(SOCK_DGRAM, loopback()), bob(SOCK_DGRAM, loopback());
  const auto a = prove(alice, guard, pbx, "a");
  const auto from_a = pbx.from;
  const auto b = prove(bob, guard, pbx, "b");
  CHECK(a != b);
  for (int i = 0; i < 8; ++i) {
    stranger.send_to(numbered("OPTIONS", std::to_string(i)).request(), guard);
    pbx.receive();
    CHECK(pbx.from.port != a);
    CHECK(pbx.from.port != b);
  }
  // What the upstream sends there is the client's, request or not.
  const auto call = numbered("INVITE", "in");
  pbx.socket.send_to(call.request(), from_a);
  Endpoint from;
  CHECK(alice.receive(&from) == call.request());
  CHECK(from == guard);
  alice.send_to(call.response(200, "alice"), guard);
  CHECK(pbx.receive() == call.response(200, "alice"));
  CHECK(pbx.from.port == a);
}

TEST_CASE("flows are as many as allowed, and the one unused for longest goes first") {
  Flows f(3);
  const auto one = f.echoing(1), two = f.echoing(2), three = f.echoing(3), four = f.echoing(4);
  const auto port = f.send(one);
  const auto second = f.send(two);
  f.send(three);
  CHECK(f.send(one) == port);  // used again: two is the oldest now
  f.send(four);
  CHECK(f.size() == 3);
  CHECK(f.send(one) == port);
  CHECK(f.send(two) != second);
  CHECK(f.size() == 3);
}

TEST_CASE("a flow with a call is kept, and who finds no place shares the pool") {
  Flows f(2);
  std::set<Port> kept;
  for (int n = 1; n <= 2; ++n) {
    const auto peer = f.echoing(n);
    kept.insert(f.send(peer));
    kept.insert(f.send(peer, numbered("INVITE", "c" + std::to_string(n)).response(200), f.pbx));
  }
  REQUIRE(kept.size() == 2);
  const auto third = f.echoing(3);
  CHECK_FALSE(kept.contains(f.send(third)));
  CHECK(f.board.dropped(Counts::flows_full) == 1);
  CHECK(f.size() == 2);
  auto bye = numbered("BYE", "bye");
  kept.insert(f.send(f.echoing(1), bye.request(), f.pbx));
  CHECK(kept.size() == 2);
  f.send(third);
  CHECK(f.board.dropped(Counts::flows_full) == 1);  // the ended call made place
  CHECK(f.size() == 2);
}

TEST_CASE("idle flows end after five minutes, those with a call after a day") {
  Flows f(10);
  f.send(f.echoing(1));
  const auto calling = f.echoing(2);
  f.send(calling, numbered("INVITE", "c").response(200), f.pbx);
  const auto sweep = [&](Duration later) {
    return f.board.site.run([&](Worker& worker) {
      f.flows->sweep(worker.now() + later);
      return f.flows->size();
    });
  };
  CHECK(sweep(4min) == 2);
  CHECK(sweep(6min) == 1);
  CHECK(sweep(25h) == 0);
}

TEST_CASE("the flow of a connection stays as long as the connection, however idle") {
  Flows f(10);
  struct Through final : Handler {
    UdpFlows& flows;
    Endpoint to;
    Through(UdpFlows& through, const Endpoint& upstream) : flows(through), to(upstream) {}
    Verdict on_inbound(Packet& packet) const override { return flows.forward(packet, to); }
  };
  f.board.site.serve(tree_of({"tcp/127.0.0.1:0"}, std::make_unique<Through>(*f.flows, f.pbx.at)));
  const auto size = [&] { return f.size(); };
  {
    Socket client(SOCK_STREAM, loopback());
    REQUIRE(client.connect(f.board.site.bound()));
    client.send(numbered("OPTIONS", "stream").request());
    f.pbx.receive();
    CHECK(size() == 1);
    f.board.site.run([&](Worker& worker) { f.flows->sweep(worker.now() + 25h); });
    CHECK(size() == 1);
  }
  CHECK(f.board.site.eventually([&] { return size() == 0; }));
}

TEST_CASE("a client whose routes lead to two upstreams has a flow to each") {
  Flows f(10);
  Upstream other;
  const auto client = f.echoing(1);
  const auto first = f.send(client);
  const auto second = f.send(client, numbered("OPTIONS", "other").request(), other);
  CHECK(f.send(client) == first);
  CHECK(f.send(client, numbered("OPTIONS", "other2").request(), other) == second);
  CHECK(f.size() == 2);
}

TEST_CASE("forged addresses use up neither flows nor sockets") {
  Flows f(10);
  std::set<Port> ports;
  for (int n = 1; n <= 200; ++n) {
    Peer forged;
    forged.remote = loopback("127.0.8.1", static_cast<Port>(n));
    ports.insert(f.send(forged));
  }
  CHECK(f.size() == 0);
  CHECK(ports.size() <= UdpFlows::kPoolSize);
}

#include <catch2/catch.hpp>
#include <set>

#include "switchboard.hpp"

using namespace sipward;
using namespace sipward::test;
using Counts = sipward::proxy::ProxyMetrics;
using sipward::proxy::Policy;

namespace {

// How many of 16 calls went to the first of two upstreams; each call's second message goes where its first
// went.
std::size_t to_first(Switchboard& board, Upstream& one, Upstream& two) {
  std::size_t count = 0;
  for (int i = 0; i < 16; ++i) {
    Socket client(SOCK_DGRAM, loopback("127.0.4." + std::to_string(i + 1)));
    bool seen[2];
    for (int again = 0; again < 2; ++again) {
      const auto before = board.counters.forwarded.sum(Counts::to_upstream);
      auto text = numbered("OPTIONS", std::to_string(i) + "-" + std::to_string(again));
      text.call_id = "call-" + std::to_string(i);
      client.send_to(text.request(), board.site.bound());
      board.site.eventually([&] { return board.counters.forwarded.sum(Counts::to_upstream) > before; });
      board.site.settle();
      seen[again] = !one.socket.receive(nullptr, std::chrono::milliseconds(20)).empty();
      if (!seen[again]) CHECK_FALSE(two.receive().empty());
    }
    CHECK(seen[0] == seen[1]);
    count += seen[0];
  }
  return count;
}

}  // namespace

TEST_CASE("how upstreams are chosen") {
  struct Case {
    Policy policy;
    std::size_t least, most;
  };
  for (const auto& c :
       {Case{Policy::first, 16, 16}, Case{Policy::round_robin, 8, 8}, Case{Policy::ip_hash, 1, 15},
        Case{Policy::random, 1, 15}, Case{Policy::weighted_round_robin, 8, 8},
        Case{Policy::least_conn, 6, 10}, Case{Policy::call_id_hash, 1, 15}}) {
    INFO(static_cast<int>(c.policy));
    Switchboard board;
    Upstream one, two;
    board.forward({"udp/127.0.0.1:0"}, {"udp/one:5060", "udp/two:5060"}, c.policy);
    board.resolve("one", one.at);
    board.resolve("two", two.at);
    const auto count = to_first(board, one, two);
    CHECK(count >= c.least);
    CHECK(count <= c.most);
  }
}

TEST_CASE(
    "an upstream whose name has not resolved is passed over; without any the message is dropped and "
    "counted") {
  Switchboard board;
  Upstream two;
  board.forward({"udp/127.0.0.1:0"}, {"udp/one:5060", "udp/two:5060"});
  Socket client(SOCK_DGRAM, loopback());
  client.send_to(numbered("OPTIONS", "early").request(), board.site.bound());
  CHECK(board.drops(Counts::no_upstream));
  board.resolve("two", two.at);
  for (int i = 0; i < 4; ++i) {
    client.send_to(numbered("OPTIONS", std::to_string(i)).request(), board.site.bound());
    CHECK(two.receive() == numbered("OPTIONS", std::to_string(i)).request());
  }
  CHECK(board.dropped(Counts::no_upstream) == 1);
}

TEST_CASE("an upstream's addresses are protected from bans while it is used") {
  Switchboard board;
  board.forward({"udp/127.0.0.1:0"}, {"udp/pbx:5060"});
  const auto address = *Address::parse("192.0.2.77");
  CHECK(board.guarded.why(address).empty());
  board.resolve("pbx", {address, 5060});
  CHECK_FALSE(board.guarded.why(address).empty());
  board.resolve("pbx", loopback("192.0.2.78", 5060));
  CHECK(board.guarded.why(address).empty());
}

TEST_CASE("a proven client whose messages another route sends elsewhere reaches both upstreams") {
  Switchboard board;
  Upstream one, two;
  auto tree = tree_of({"udp/127.0.0.1:0"}, board.proxy({"udp/one:5060"}));
  class Invites final : public Matcher {
   public:
    Match match(Packet& p) const override {
      return p.sip().method() == sip::Method::invite ? Match::yes : Match::no;
    }
  };
  auto& server = *tree->servers.front();
  server.sets.push_back(std::make_unique<MatcherSet>());
  server.sets.back()->push_back(std::make_unique<Invites>());
  Route invites;
  invites.match.push_back(server.sets.back().get());
  invites.handlers.push_back(board.proxy({"udp/two:5060"}));
  server.routes.insert(server.routes.begin(), std::move(invites));
  board.site.serve(std::move(tree));
  board.resolve("one", one.at);
  board.resolve("two", two.at);
  Socket client(SOCK_DGRAM, loopback());
  prove(client, board.site.bound(), one, "x");
  const auto invite = numbered("INVITE", "i");
  client.send_to(invite.request(), board.site.bound());
  CHECK(two.receive() == invite.request());
  client.send_to(numbered("OPTIONS", "o").request(), board.site.bound());
  CHECK(one.receive() == numbered("OPTIONS", "o").request());
}

#include <catch2/catch.hpp>

#include "harness.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Script> answering() {
  auto script = std::make_unique<Script>();
  script->inbound = [](Packet& p) {
    if (p.is_keep_alive()) return Verdict::consumed;
    p.worker().reply(p, 200, "OK");
    return Verdict::consumed;
  };
  return script;
}

}  // namespace

TEST_CASE("a wildcard listener answers from the address that was asked") {
  Site site(2);
  site.serve(tree_of({"udp/:0"}, answering()));
  const auto port = site.bound().port;
  for (const auto* asked : {"127.0.0.1", "127.0.0.77", "127.1.2.3"}) {
    Socket client(SOCK_DGRAM, loopback("127.0.0.9"));
    client.send_to(SipText().request(), loopback(asked, port));
    Endpoint from;
    CHECK(client.receive(&from).starts_with("SIP/2.0 200"));
    CHECK(from == loopback(asked, port));
  }
  Socket client(SOCK_DGRAM, loopback("::1"));
  client.send_to(SipText().request(), loopback("::1", port));
  Endpoint from;
  CHECK(client.receive(&from).starts_with("SIP/2.0 200"));
  CHECK(from == loopback("::1", port));
}

TEST_CASE("every datagram of a source is dealt with by the worker that owns it") {
  Site site(3);
  Journal journal;
  auto script = std::make_unique<Script>();
  script->inbound = [&](Packet& p) {
    journal.note(p.peer().remote.address.to_string() + " " + std::to_string(p.worker().index()));
    return Verdict::drop;
  };
  site.serve(tree_of({"udp/127.0.0.1:0"}, std::move(script)));
  std::size_t sent = 0;
  for (int i = 1; i <= 20; ++i)
    for (int port = 0; port < 3; ++port, ++sent)
      Socket(SOCK_DGRAM, loopback("127.0.5." + std::to_string(i))).send_to(SipText().request(), site.bound());
  for (const auto& word : journal.wait(sent)) {
    const auto space = word.find(' ');
    CHECK(word.substr(space + 1) == std::to_string(site.pool.owner(*Address::parse(word.substr(0, space)))));
  }
  CHECK(journal.words().size() == sent);
  CHECK(site.counters.handed_over.sum() == 0);
}

TEST_CASE("datagrams that are no SIP are counted by what they are") {
  Site site;
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering()));
  Socket client(SOCK_DGRAM, loopback());
  const std::string stun(
      "\x00\x01\x00\x00\x21\x12\xa4\x42"
      "abcdefghijkl",
      20);
  for (const auto& octets :
       {std::string("\r\n\r\n"), std::string(), stun, std::string("\x80\x60", 2) + std::string(40, 'x'),
        std::string("\x16\xfe\xfd", 3) + std::string(40, 'x'), std::string("short"), SipText().request()})
    client.send_to(octets, site.bound());
  CHECK(client.receive().starts_with("SIP/2.0 200"));
  for (const auto& [kind, count] : {std::pair{RuntimeMetrics::keep_alive, 2U},
                                    {RuntimeMetrics::stun, 1U},
                                    {RuntimeMetrics::rtp, 1U},
                                    {RuntimeMetrics::dtls, 1U},
                                    {RuntimeMetrics::short_noise, 1U},
                                    {RuntimeMetrics::sip, 1U}})
    CHECK(site.counters.datagrams.sum(kind) == count);
}

TEST_CASE("a handler that throws costs its message and nothing else") {
  Site site;
  auto script = answering();
  script->inbound = [answer = script->inbound](Packet& p) {
    if (p.sip().call_id() == "bad") throw std::runtime_error("a bug");
    return answer(p);
  };
  site.serve(tree_of({"udp/127.0.0.1:0"}, std::move(script)));
  Socket client(SOCK_DGRAM, loopback());
  SipText bad;
  bad.call_id = "bad";
  client.send_to(bad.request(), site.bound());
  client.send_to(SipText().request(), site.bound());
  CHECK(client.receive().starts_with("SIP/2.0 200"));
  CHECK(site.counters.dropped.sum(RuntimeMetrics::handler_error) == 1);
}

TEST_CASE("a port whose owner throws, and a batch end that throws, leave the worker listening") {
  Site site;
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering()));
  struct Bug final : BatchEnd {
    void batch_end() override { throw std::runtime_error("a bug"); }
  } bug;
  std::unique_ptr<UdpPort> port;
  const auto at = site.run([&](Worker& worker) {
    port = worker.open_udp(loopback(), nullptr, [&](const Endpoint&, std::string_view) {
      worker.at_batch_end(bug);
      throw std::runtime_error("a bug");
    });
    return port->local();
  });
  Socket client(SOCK_DGRAM, loopback());
  client.send_to("x", at);
  REQUIRE(site.eventually([&] { return site.counters.dropped.sum(RuntimeMetrics::handler_error) == 2; }));
  client.send_to(SipText().request(), site.bound());
  CHECK(client.receive().starts_with("SIP/2.0 200"));
  const auto moved = site.run([](Worker& worker) { return worker.now(); });
  CHECK(site.run([](Worker& worker) { return worker.now(); }) > moved);  // the clock of batches goes on
  site.run([&](Worker&) { port.reset(); });
}

TEST_CASE("a port sends to whom it is told, and to its remote when it has one") {
  Site site;
  Socket peer(SOCK_DGRAM, loopback());
  const auto at = peer.local();
  Journal journal;
  std::unique_ptr<UdpPort> open, fixed;
  const auto hear = [&](const Endpoint& from, std::string_view octets) {
    journal.note(from.to_string() + " " + std::string(octets));
  };
  site.run([&](Worker& worker) {
    open = worker.open_udp(loopback(), nullptr, hear);
    fixed = worker.open_udp({}, &at, hear);
    REQUIRE(open);
    REQUIRE(fixed);
    open->send("open", &at);
    open->send("nowhere");
    fixed->send("fixed");
  });
  Endpoint from;
  for (int i = 0; i < 2; ++i) {
    const auto octets = peer.receive(&from);
    CHECK(from.port == (octets == "open" ? open : fixed)->local().port);
    peer.send_to("re:" + octets, from);
  }
  auto words = journal.wait(2);
  std::sort(words.begin(), words.end());
  REQUIRE(words.size() == 2);
  CHECK(words[0] == at.to_string() + " re:open");
  CHECK(words[1].ends_with(" re:fixed"));
  const auto taken = open->local();
  site.run([&](Worker& worker) {
    CHECK(worker.open_udp(taken, nullptr, hear) == nullptr);
    CHECK(errno == EADDRINUSE);
    open.reset();
    fixed.reset();
  });
}

TEST_CASE("a listener that stays in the next configuration keeps its socket, one that goes is closed") {
  Site site(2);
  auto two = tree_of({"udp/127.0.0.1:0", "udp/127.0.0.2:0"}, answering());
  site.serve(two);
  const auto stays = site.bound(0), goes = site.bound(1);
  auto script = std::make_unique<Script>();
  script->inbound = [](Packet& p) {
    p.worker().reply(p, 202, "Other");
    return Verdict::consumed;
  };
  site.serve(tree_of({"udp/127.0.0.1:0"}, std::move(script)));
  CHECK(site.bound(0) == stays);
  Socket client(SOCK_DGRAM, loopback());
  client.send_to(SipText().request(), stays);
  CHECK(client.receive().starts_with("SIP/2.0 202"));
  Socket taken(SOCK_DGRAM, goes);  // the port is free again
  CHECK(taken.local() == goes);
}

TEST_CASE("a configuration whose address is taken changes nothing") {
  Site site(2);
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering()));
  Socket other(SOCK_DGRAM, loopback());
  auto tree = tree_of({"udp/127.0.0.2:0", "udp/" + other.local().to_string()}, answering());
  CHECK_THROWS_AS(site.listeners.prepare(tree), config::ConfigError);
  CHECK(site.listeners.addresses().size() == 1);
  Socket client(SOCK_DGRAM, loopback());
  client.send_to(SipText().request(), site.bound());
  CHECK(client.receive().starts_with("SIP/2.0 200"));
}

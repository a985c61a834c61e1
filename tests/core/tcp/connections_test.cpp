#include <fcntl.h>

#include <catch2/catch.hpp>
#include <set>

#include "shop.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

using Words = std::vector<std::string>;

namespace {

constexpr auto kPerSource = Connections::Limits{}.per_source;

}  // namespace

TEST_CASE("a request on a connection is answered on it") {
  Shop shop(answering());
  auto client = shop.connect();
  client.send(SipText().request());
  CHECK(client.read(11) == "SIP/2.0 200");
  CHECK(shop.site.counters.connections.sum(RuntimeMetrics::accepted) == 1);
}

TEST_CASE("an answer reaches the client though the connection is closed in the same breath") {
  auto script = std::make_unique<Script>();
  script->inbound = [](Packet& p) {
    p.worker().reply(p, 403, "Forbidden");
    p.worker().close(p.peer());
    return Verdict::consumed;
  };
  Shop shop(std::move(script));
  auto client = shop.connect();
  client.send(SipText().request() + SipText().request() + std::string(20'000, 'x'));
  const auto answer = client.read_all();
  CHECK(answer.starts_with("SIP/2.0 403"));
  CHECK(answer.find("SIP/2.0 403", 1) == std::string::npos);
  CHECK(client.ended_well());
}

TEST_CASE("a source has 64 connections, others are not held up, and an ended one makes room") {
  Shop shop(answering());
  std::vector<Socket> held;
  for (std::size_t i = 0; i < kPerSource; ++i) held.push_back(shop.connect());
  REQUIRE(shop.counted(RuntimeMetrics::accepted, kPerSource));
  auto refused = shop.connect();
  CHECK(refused.read_all().empty());
  CHECK(shop.site.counters.connections.sum(RuntimeMetrics::too_many) == 1);
  auto other = shop.connect("127.0.0.2");
  other.send(SipText().request());
  CHECK(other.read(7) == "SIP/2.0");
  held.pop_back();
  REQUIRE(shop.site.eventually([&] { return shop.site.counters.connections_ended.total() == 1; }));
  auto next = shop.connect();
  next.send(SipText().request());
  CHECK(next.read(7) == "SIP/2.0");
}

TEST_CASE("a source has as many connections more as it has registrations") {
  Shop shop(answering());
  for (const auto* user : {"u0", "u1"}) register_client(shop.site, "127.0.0.1", user);
  std::vector<Socket> held;
  for (std::size_t i = 0; i < kPerSource + 4; ++i) held.push_back(shop.connect());
  CHECK(shop.counted(RuntimeMetrics::too_many, 2));
  CHECK(shop.site.counters.connections.sum(RuntimeMetrics::accepted) == kPerSource + 2);
}

TEST_CASE("a connection that is not admitted is closed unread") {
  auto script = answering();
  script->admit = [](Worker&, const Source& source) {
    return source.remote.address == loopback("127.0.0.2").address ? Verdict::drop : Verdict::next;
  };
  Shop shop(std::move(script));
  auto refused = shop.connect("127.0.0.2");
  CHECK(refused.read_all().empty());
  CHECK(shop.counted(RuntimeMetrics::refused, 1));
  auto client = shop.connect();
  client.send(SipText().request());
  CHECK(client.read(7) == "SIP/2.0");
}

TEST_CASE("a handler that throws while it admits costs one connection, not the listener") {
  auto script = answering();
  script->admit = [](Worker&, const Source& source) {
    if (source.remote.address == loopback("127.0.0.2").address) throw std::runtime_error("a bug");
    return Verdict::next;
  };
  Shop shop(std::move(script));
  auto broken = shop.connect("127.0.0.2");
  CHECK(broken.read_all().empty());
  CHECK(shop.site.eventually(
      [&] { return shop.site.counters.dropped.sum(RuntimeMetrics::handler_error) == 1; }));
  auto client = shop.connect();
  client.send(SipText().request());
  CHECK(client.read(7) == "SIP/2.0");
}

TEST_CASE("a handler that throws at a fault does not keep the connection") {
  auto script = answering();
  script->fault = [](const Source&, std::string_view) { throw std::runtime_error("a bug"); };
  Shop shop(std::move(script));
  auto client = shop.connect();
  client.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(client.read_all().empty());
  client.close();
  CHECK(shop.site.eventually([&] {
    return shop.site.counters.connections_ended.sum(static_cast<std::size_t>(StreamEnd::framing)) == 1;
  }));
}

TEST_CASE("handlers hear why a stream can't be read") {
  Journal journal;
  auto script = std::make_unique<Script>();
  script->fault = [&](const Source& source, std::string_view word) {
    journal.note(source.remote.address.to_string() + " " + std::string(word));
  };
  script->inbound = [&](Packet& p) {
    journal.note(p.sip().framed() ? "message" : "unframed");
    return Verdict::drop;
  };
  Shop shop(std::move(script));
  auto first = shop.connect();
  first.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(journal.wait(1) == Words{"127.0.0.1 not_sip"});
  // With a whole head it comes as a message that can be answered.
  auto second = shop.connect();
  second.send("OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\n\r\n");
  CHECK(journal.wait(2).back() == "unframed");
  CHECK(second.read_all().empty());
  // A connection that just closes is no fault.
  auto third = shop.connect();
  third.send(SipText().request());
  third.close();
  REQUIRE(shop.site.eventually([&] { return shop.site.counters.connections_ended.total() >= 1; }));
  CHECK(journal.wait(3).back() == "message");
}

TEST_CASE("keep-alives on a connection run through the chain") {
  Journal journal;
  auto script = std::make_unique<Script>();
  script->inbound = [&](Packet& p) {
    journal.note(p.is_keep_alive() ? "keep-alive" : "message");
    return Verdict::next;
  };
  Shop shop(std::move(script));
  auto client = shop.connect();
  client.send("\r\n\r\n");
  CHECK(client.read(2) == "\r\n");
  CHECK(journal.wait(1) == Words{"keep-alive"});
}

TEST_CASE("a banned prefix loses its connections, and nobody else") {
  Shop shop(answering());
  auto banned = shop.connect("127.0.0.2");
  auto other = shop.connect("127.0.0.3");
  REQUIRE(shop.counted(RuntimeMetrics::accepted, 2));
  shop.site.run([](Worker& worker) { worker.close_source(*Cidr::parse("127.0.0.2")); });
  CHECK(banned.read_all().empty());
  other.send(SipText().request());
  CHECK(other.read(7) == "SIP/2.0");
}

TEST_CASE("every watcher hears the end of a connection once, also when it is past") {
  Journal journal;
  Peer peer;
  auto script = std::make_unique<Script>();
  script->inbound = [&](Packet& p) {
    peer = p.peer();
    p.worker().watch(
        peer, [] {}, [&] { journal.note("ended first"); });
    p.worker().watch(
        peer, [&] { journal.note("drained"); }, [&] { journal.note("ended"); });
    p.worker().send(peer, "hello");
    return Verdict::consumed;
  };
  Shop shop(std::move(script));
  auto client = shop.connect();
  client.send(SipText().request());
  CHECK(client.read(5) == "hello");
  CHECK(journal.wait(1) == Words{"drained"});
  client.close();
  CHECK(journal.wait(3) == Words{"drained", "ended first", "ended"});
  shop.site.run([&](Worker& worker) {
    worker.watch(peer, {}, [&] { journal.note("past"); });
    CHECK(worker.queued(peer) == 0);
    worker.send(peer, "nobody");  // no-ops
    worker.pause(peer);
    worker.resume(peer);
    worker.close(peer);
  });
  CHECK(journal.wait(4).back() == "past");
}

TEST_CASE("a listener that a new configuration does not have closes with its connections") {
  Shop shop(answering());
  auto client = shop.connect();
  REQUIRE(shop.counted(RuntimeMetrics::accepted, 1));
  const auto was = shop.site.bound();
  shop.site.serve(tree_of({"tcp/127.0.0.2:0"}, answering()));
  CHECK(client.read_all().empty());
  Socket late(SOCK_STREAM, loopback());
  CHECK_FALSE(late.connect(was));
}

TEST_CASE("an idle connection of a server ends after the server's time") {
  Site site;
  auto tree = tree_of({"tcp/127.0.0.1:0"}, answering());
  tree->servers.front()->idle_timeout = 60ms;
  site.serve(std::move(tree));
  Socket client(SOCK_STREAM, loopback());
  client.connect(site.bound());
  client.send(SipText().request());
  CHECK(client.read_all().starts_with("SIP/2.0 200"));
  CHECK(site.eventually([&] {
    return site.counters.connections_ended.sum(static_cast<std::size_t>(StreamEnd::idle_timeout)) == 1;
  }));
}

TEST_CASE("connection numbers are never used twice, whichever worker has them") {
  std::mutex mutex;
  std::set<ConnectionId> ids;
  auto script = std::make_unique<Script>();
  script->inbound = [&](Packet& p) {
    const std::lock_guard lock(mutex);
    ids.insert(p.peer().connection);
    p.worker().reply(p, 200, "OK");
    return Verdict::consumed;
  };
  Shop shop(std::move(script), 3);
  for (int i = 1; i <= 30; ++i) {
    auto client = shop.connect(("127.0.1." + std::to_string(i)).c_str());
    client.send(SipText().request());
    REQUIRE(client.read(7) == "SIP/2.0");
  }
  CHECK(ids.size() == 30);
  CHECK_FALSE(ids.contains(0));
}

TEST_CASE("a descriptor that no loop can watch is closed, not lost") {
  Shop shop(answering());
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);  // epoll takes no plain file
  REQUIRE(fd >= 0);
  shop.site.run([&](Worker& worker) {
    static_cast<WorkerThread&>(worker).connections().adopt(0, Transport::tcp, FileDescriptor(fd));
  });
  CHECK(::fcntl(fd, F_GETFD) == -1);
}

#include <catch2/catch.hpp>

#include "checker.hpp"
#include "switchboard.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;
using Counts = sipward::proxy::ProxyMetrics;
using sipward::proxy::Policy;

namespace {

// Where nobody listens.
Endpoint closed_port(int type) {
  return Socket(type, loopback()).local();
}

// Two upstreams, of which the first can't be reached.
struct Pair : Switchboard {
  Endpoint dead;
  explicit Pair(int type) : dead(closed_port(type)) {
    tune = [](proxy::PoolOptions& options) {
      options.try_duration = 60s;
      options.try_interval = 50s;  // so that only the refusal counts
    };
    const std::string transport = type == SOCK_STREAM ? "tcp/" : "udp/";
    forward({transport + "127.0.0.1:0"}, {transport + "dead:5060", transport + "alive:5060"}, Policy::first);
    resolve("dead", dead);
  }
};

std::string status_of(const std::string& answer) {
  return answer.substr(0, answer.find('\r'));
}

}  // namespace

TEST_CASE("a refused datagram counts, and its repetition goes to the next upstream") {
  Pair pair(SOCK_DGRAM);
  Upstream alive;
  pair.resolve("alive", alive.at);
  Socket client(SOCK_DGRAM, loopback());
  const auto text = numbered("INVITE", "a");
  client.send_to(text.request(), pair.site.bound());
  CHECK(pair.site.eventually([&] { return pair.counters.failures.sum(0) == 1; }));
  client.send_to(text.request(), pair.site.bound());
  CHECK(alive.receive() == text.request());
  CHECK(pair.counters.retries.sum() == 1);
  alive.answer(text, 200);
  CHECK(client.receive() == text.response(200, "pbx"));
}

TEST_CASE("a refused connection: what was meant for it goes to the next upstream, and the client stays") {
  Pair pair(SOCK_STREAM);
  Socket alive(SOCK_STREAM, loopback());
  alive.listen();
  pair.resolve("alive", alive.local());
  Socket client(SOCK_STREAM, loopback());
  client.connect(pair.site.bound());
  const auto text = numbered("INVITE", "a");
  client.send(text.request());
  auto end = alive.accept();
  CHECK(end.read(text.request().size()) == text.request());
  end.send(text.response(200));
  CHECK(client.read(text.response(200).size()) == text.response(200));
  CHECK(pair.counters.failures.sum(0) == 1);
  CHECK(pair.counters.retries.sum() == 1);
}

TEST_CASE("where there is no other the client is told so, and may ask again") {
  Pair pair(SOCK_STREAM);
  Socket client(SOCK_STREAM, loopback());
  client.connect(pair.site.bound());
  for (const auto* id : {"a", "b"}) {
    client.send(numbered("INVITE", id).request());
    const std::string wanted = "SIP/2.0 503 Service Unavailable";
    const auto answer = client.read(wanted.size());
    CHECK(answer == wanted);
    std::string rest;
    while (rest.find("\r\n\r\n") == std::string::npos) {
      const auto octet = client.read(1);
      REQUIRE(octet.size() == 1);
      rest += octet;
    }
    CHECK(rest.find("Retry-After: ") != std::string::npos);
  }
  CHECK(pair.dropped(Counts::upstreams_down) == 2);
}

TEST_CASE("a client outlives one of its upstream connections, but not the one by which it is registered") {
  const bool registers = GENERATE(false, true);
  INFO(registers);
  Switchboard board;
  Socket one(SOCK_STREAM, loopback()), two(SOCK_STREAM, loopback());
  one.listen();
  two.listen();
  board.forward({"tcp/127.0.0.1:0"}, {"tcp/one:5060", "tcp/two:5060"});
  board.resolve("one", one.local());
  board.resolve("two", two.local());
  Socket client(SOCK_STREAM, loopback());
  client.connect(board.site.bound());
  const auto exchange = [&](Socket& pbx, const SipText& text, const std::string& answer) {
    client.send(text.request());
    auto end = pbx.accept();
    CHECK(end.read(text.request().size()) == text.request());
    end.send(answer);
    CHECK(client.read(answer.size()) == answer);
    return end;
  };
  const auto second = numbered(registers ? "REGISTER" : "INVITE", "second");
  auto first_end = exchange(one, numbered("INVITE", "first"), numbered("INVITE", "first").response(200));
  auto second_end = exchange(two, second, second.response(200, "pbx", "Contact: <sip:a@x>;expires=60\r\n"));
  second_end.close();
  if (registers) {
    CHECK(client.read_all().empty());  // it has to register anew
    return;
  }
  auto bye = numbered("BYE", "first");
  bye.to_tag = "pbxtag";
  CHECK(board.site.eventually([&] {
    return board.of_targets([](proxy::Targets& targets) {
      double flows = 0;
      for (const auto& target : targets.all()) flows += static_cast<double>(target->flows.load());
      return flows == 1;
    });
  }));
  client.send(bye.request());
  CHECK(first_end.read(bye.request().size()) == bye.request());
}

TEST_CASE("while no name has resolved, proven clients are told and forgers' victims are not") {
  Switchboard board;
  board.forward({"udp/127.0.0.1:0", "tcp/127.0.0.1:0"}, {"pbx:5060"});
  Socket stranger(SOCK_DGRAM, loopback());
  stranger.send_to(numbered("OPTIONS", "a").request(), board.site.bound(1));
  CHECK(board.drops(Counts::no_upstream));
  Socket client(SOCK_STREAM, loopback());
  client.connect(board.site.bound(0));
  client.send(numbered("OPTIONS", "b").request());
  CHECK(status_of(client.read(31)) == "SIP/2.0 503 Service Unavailable");
  board.site.settle();
  CHECK(stranger.receive(nullptr, 1ms).empty());
}

TEST_CASE("checks: who answers, who is silent, who refuses, by OPTIONS and by connection") {
  Switchboard board;
  BuildContext context{board.services, board.site.metrics, board.site.log,  board.site.clock, board.site.pool,
                       board.resolver, board.guarded,      board.endpoints, board.scope,      "/nonexistent"};
  proxy::CheckOptions options;
  options.interval = 20ms;
  options.timeout = 10s;
  const auto watched = [&](proxy::Checks& checks, Transport transport, const Endpoint& at) {
    return checks.get(std::make_shared<proxy::Target>(transport, at, 1), options);
  };
  const auto says = [](const proxy::Check& check, bool up) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (check.last_result().empty() || check.up() != up) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  };
  proxy::Checks checks(context);
  checks.start();
  SECTION("OPTIONS over UDP") {
    Upstream pbx;
    const auto check = watched(checks, Transport::udp, pbx.at);
    sip::Message asked;
    const auto octets = pbx.receive();
    asked.parse(octets, sip::Framing::datagram);
    CHECK(asked.method() == sip::Method::options);
    CHECK(check->up());  // until the first result
    pbx.socket.send_to("SIP/2.0 404 Not Found\r\nVia: " + std::string(asked.value(sip::HeaderId::via)) +
                           "\r\nCSeq: 1 OPTIONS\r\n\r\n",
                       pbx.from);
    CHECK(says(*check, true));
    CHECK(check->last_result() == "answered");
    pbx.socket.close();
    CHECK(says(*check, false));
    CHECK(board.counters.changes.sum(1) == 1);
  }
  SECTION("OPTIONS over TCP") {
    Socket pbx(SOCK_STREAM, loopback());
    pbx.listen();
    const auto check = watched(checks, Transport::tcp, pbx.local());
    auto end = pbx.accept();
    std::string octets;
    while (octets.find("\r\n\r\n") == std::string::npos) octets += end.read(1);
    sip::Message asked;
    asked.parse(octets, sip::Framing::stream);
    const auto via = "Via: " + std::string(asked.value(sip::HeaderId::via)) + "\r\nCSeq: 1 OPTIONS\r\n\r\n";
    end.send("SIP/2.0 100 Trying\r\n" + via + "SIP/2.0 200 OK\r\n" + via);
    CHECK(says(*check, true));
    CHECK(check->last_result() == "answered");
  }
  SECTION("a connection") {
    options.method = proxy::CheckMethod::tcp;
    Socket pbx(SOCK_STREAM, loopback());
    pbx.listen();
    const auto check = watched(checks, Transport::udp, pbx.local());
    CHECK(says(*check, true));
    pbx.close();
    CHECK(says(*check, false));
  }
  SECTION("silence") {
    options.timeout = 50ms;
    Upstream pbx;
    const auto check = watched(checks, Transport::udp, pbx.at);
    CHECK(says(*check, false));
    CHECK(check->last_result() == "no answer");
  }
  SECTION("one check for whoever asks alike") {
    const auto at = closed_port(SOCK_DGRAM);
    const auto target = std::make_shared<proxy::Target>(Transport::udp, at, 1);
    const auto one = checks.get(target, options);
    CHECK(checks.get(target, options) == one);
    options.rise = 2;
    CHECK(checks.get(target, options) != one);
    CHECK(says(*one, false));
    CHECK(target->checks_down >= 1);
  }
}

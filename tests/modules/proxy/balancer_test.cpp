#include "balancer.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "sipward/testing/fake_host.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::proxy;
using namespace std::chrono_literals;
using test::SipText;

namespace {

// Three upstreams a, b and c at 192.0.2.1 to .3, one worker, and clients over TCP and UDP.
struct Scene {
  test::FakeHost host;
  ProxyMetrics metrics{host.metrics};
  std::unique_ptr<Balancer> balancer;
  std::shared_ptr<Pool> pool;
  std::set<const Target*> flows;

  explicit Scene(const PoolOptions& options = {}, const std::string& transport = "udp/") {
    auto all = options;
    for (const auto* name : {"a", "b", "c"})
      all.upstreams.push_back({*config::parse_upstream(transport + name)});
    make(all);
    for (std::uint32_t i = 0; i < 3; ++i) resolve(i, {i + 1});
  }
  void make(const PoolOptions& options) {
    auto context = host.context();
    const auto shared = Targets::get(context);
    if (!balancer) {
      kept = shared;
      balancer = std::make_unique<Balancer>(host.workers.at(0), *kept, metrics, 1024);
    }
    pool = Pool::make(options, context);
  }
  void resolve(std::size_t name, const std::vector<std::uint32_t>& hosts) {
    std::vector<Endpoint> found;
    for (const auto h : hosts) found.push_back(at(h));
    host.resolver.watched.at(name).second(found);
  }
  static Endpoint at(std::uint32_t n) { return {Address::v4(0xC0000200U + n), 5060}; }
  static Peer client(const std::string& endpoint = "203.0.113.7:5060", bool tcp = false) {
    Peer peer;
    peer.remote = *Endpoint::parse(endpoint);
    if (tcp) peer.transport = Transport::tcp, peer.connection = 1;
    return peer;
  }
  Choice choose(const std::string& octets, const Peer& from) {
    Packet packet(host.workers.at(0), Direction::inbound);
    packet.assign(from, octets);
    return balancer->choose(packet, *pool, [&](const Target& t) { return flows.count(&t) != 0; });
  }
  // The upstream's number, 1 to 3; 0 when there is none.
  std::uint32_t send(const std::string& octets, const Peer& from = client()) {
    const auto choice = choose(octets, from);
    return choice.target ? choice.target->endpoint().address.v4_value() - 0xC0000200U : 0;
  }
  void answer(std::uint32_t n, const std::string& octets, const Peer& to = client()) {
    Packet packet(host.workers.at(0), Direction::outbound);
    packet.assign(to, octets);
    balancer->heard(packet, at(n), Transport::udp);
  }
  Target& target(std::uint32_t n) { return *kept->get(Transport::udp, at(n)); }
  void set_up(std::uint32_t n, bool up) {
    for (const auto& view : pool->view())
      if (view.member->target->endpoint() == at(n)) view.member->check->note(up, "the test says so", {});
  }
  void fail(std::uint32_t n) { balancer->failed(at(n), Transport::udp, Failure::refused); }

  std::shared_ptr<Targets> kept;
};

SipText text(const std::string& method, const std::string& call, unsigned cseq = 1) {
  SipText t;
  t.method = method;
  t.call_id = call;
  t.cseq = cseq;
  t.branch = "z9hG4bK" + call + std::to_string(cseq) + method;
  return t;
}
SipText within(SipText t) {
  t.to_tag = "pbx";
  return t;
}
PoolOptions with(Policy policy) {
  PoolOptions o;
  o.policy = policy;
  return o;
}
PoolOptions checked() {
  PoolOptions o;
  o.check = CheckOptions{};
  return o;
}

// A call that the upstream accepted; which one.
std::uint32_t call(Scene& scene, const std::string& id, const Peer& from = Scene::client()) {
  const auto invite = text("INVITE", id);
  const auto n = scene.send(invite.request(), from);
  scene.answer(n, invite.response(180), from);
  scene.answer(n, invite.response(200), from);
  return n;
}

}  // namespace

TEST_CASE("calls are dealt out, and everything of a call goes where it went") {
  Scene scene;
  std::map<std::uint32_t, int> counts;
  for (int i = 0; i < 30; ++i) {
    const auto id = "call" + std::to_string(i);
    const auto invite = text("INVITE", id);
    const auto n = scene.send(invite.request());
    ++counts[n];
    REQUIRE(scene.send(invite.request()) == n);  // a retransmission
    auto cancel = text("CANCEL", id);
    cancel.branch = invite.branch;
    REQUIRE(scene.send(cancel.request()) == n);
    scene.answer(n, invite.response(401));
    REQUIRE(scene.send(text("ACK", id).request()) == n);
    const auto again = text("INVITE", id, 2);  // with credentials, for the one that asked for them
    REQUIRE(scene.send(again.request()) == n);
    scene.answer(n, again.response(200));
    REQUIRE(scene.send(within(text("ACK", id, 2)).request()) == n);
    scene.host.clock.advance(1h);
    REQUIRE(scene.send(within(text("INVITE", id, 3)).request()) == n);
    const auto bye = within(text("BYE", id, 4));
    REQUIRE(scene.send(bye.request(), scene.client("203.0.113.7:61000")) == n);  // by another port
    REQUIRE(scene.target(n).active == 1);
    scene.answer(n, bye.response(200));
    REQUIRE(scene.target(n).active == 0);
  }
  CHECK(counts == std::map<std::uint32_t, int>{{1, 10}, {2, 10}, {3, 10}});
  CHECK(scene.target(1).requests() == 60);  // all but ACKs
}

TEST_CASE("hashing policies keep a caller, or a call, on one upstream") {
  const auto policy = GENERATE(Policy::ip_hash, Policy::call_id_hash);
  Scene scene(with(policy)), other(with(policy));
  std::set<std::uint32_t> used;
  for (int i = 1; i < 50; ++i) {
    const auto from = Scene::client("203.0.113." + std::to_string(i) + ":5060");
    const auto ours = scene.send(text("OPTIONS", "x" + std::to_string(i)).request(), from);
    used.insert(ours);
    REQUIRE(other.send(text("OPTIONS", "x" + std::to_string(i)).request(), from) == ours);
    if (policy != Policy::ip_hash) continue;
    const auto port = Scene::client("203.0.113." + std::to_string(i) + ":9");
    REQUIRE(scene.send(text("OPTIONS", "y" + std::to_string(i)).request(), port) == ours);
  }
  CHECK(used.size() == 3);
}

TEST_CASE("the least loaded gets the next call") {
  Scene scene(with(Policy::least_conn));
  std::map<std::uint32_t, std::vector<std::string>> calls;
  for (int i = 0; i < 9; ++i) calls[call(scene, "c" + std::to_string(i))].push_back("c" + std::to_string(i));
  for (const auto& [n, ids] : calls) REQUIRE(ids.size() == 3);
  for (const auto& id : calls[2]) scene.answer(2, within(text("BYE", id, 2)).response(200));
  for (int i = 0; i < 3; ++i) CHECK(call(scene, "d" + std::to_string(i)) == 2);
}

TEST_CASE("a registered client's requests go where it is registered, for as long as it is") {
  Scene scene;
  const bool tcp = GENERATE(false, true);
  const auto phone = Scene::client("203.0.113.9:5060", tcp);
  auto reg = text("REGISTER", "reg");
  const auto n = scene.send(reg.request(), phone);
  scene.answer(n, reg.response(200, "t", "Contact: <sip:a@203.0.113.9>;expires=600\r\n"), phone);
  for (int i = 0; i < 7; ++i) {
    const auto id = "r" + std::to_string(i);
    CHECK(scene.send(text("INVITE", id).request(), phone) == n);
  }
  scene.host.clock.advance(599s);
  CHECK(scene.send(text("MESSAGE", "late").request(), phone) == n);
  CHECK(scene.send(text("REGISTER", "reg", 2).request(), phone) == n);
  SECTION("it ends by itself") {
    scene.host.clock.advance(11min);
  }
  SECTION("it is ended") {
    scene.answer(n, text("REGISTER", "reg", 2).response(200, "t", "Expires: 0\r\n"), phone);
  }
  std::set<std::uint32_t> used;
  for (int i = 0; i < 3; ++i)
    used.insert(scene.send(text("INVITE", "n" + std::to_string(i)).request(), phone));
  CHECK(used.size() == 3);
}

TEST_CASE("what an upstream begins stays with it") {
  Scene scene;
  const auto invite = text("INVITE", "incoming");
  for (std::uint32_t n = 1; n <= 3; ++n) {
    auto in = text("INVITE", "incoming" + std::to_string(n));
    scene.answer(n, in.request());
    CHECK(scene.target(n).active == 1);
    CHECK(scene.send(in.response(180)) == n);
    CHECK(scene.send(in.response(200)) == n);
    scene.host.clock.advance(1h);
    CHECK(scene.send(within(text("BYE", "incoming" + std::to_string(n))).request()) == n);
    const auto options = text("OPTIONS", "qualify" + std::to_string(n));
    scene.answer(n, options.request());
    CHECK(scene.send(options.response(200)) == n);
  }
}

TEST_CASE("who is down gets nothing new, but keeps its dialogs") {
  Scene scene(checked());
  const auto n = call(scene, "held");
  scene.set_up(n, false);
  for (int i = 0; i < 9; ++i) CHECK(scene.send(text("INVITE", "i" + std::to_string(i)).request()) != n);
  CHECK(scene.send(within(text("INFO", "held", 2)).request()) == n);
  scene.set_up(n, true);
  std::set<std::uint32_t> used;
  for (int i = 0; i < 6; ++i) used.insert(scene.send(text("INVITE", "j" + std::to_string(i)).request()));
  CHECK(used.count(n) == 1);
}

TEST_CASE("a registration leaves an upstream that went down, and stays with the next") {
  Scene scene(checked());
  auto reg = text("REGISTER", "reg");
  const auto n = scene.send(reg.request());
  const std::string contact = "Contact: <sip:a@203.0.113.7>;expires=600\r\n";
  scene.answer(n, reg.response(200, "t", contact));
  scene.set_up(n, false);
  reg = text("REGISTER", "reg", 2);
  const auto next = scene.send(reg.request());
  CHECK(next != n);
  scene.answer(next, reg.response(200, "t", contact));
  scene.set_up(n, true);
  CHECK(scene.send(text("REGISTER", "reg", 3).request()) == next);
  CHECK(scene.send(text("INVITE", "call").request()) == next);
}

TEST_CASE("when every check says down nobody gets anything new; remembered failures are no such reason") {
  auto options = checked();
  options.fail_duration = 30s;
  Scene scene(options);
  for (std::uint32_t n = 1; n <= 3; ++n) scene.fail(n);
  CHECK(scene.send(text("INVITE", "hope").request()) != 0);
  for (std::uint32_t n = 1; n <= 3; ++n) scene.set_up(n, false);
  const auto choice = scene.choose(text("INVITE", "none").request(), Scene::client());
  CHECK_FALSE(choice.target);
  CHECK(choice.why == ProxyMetrics::upstreams_down);
}

TEST_CASE("failures keep new calls away for a time") {
  PoolOptions options;
  options.fail_duration = 30s;
  options.max_fails = 2;
  Scene scene(options);
  scene.fail(2);
  std::set<std::uint32_t> used;
  for (int i = 0; i < 3; ++i) used.insert(scene.send(text("INVITE", "a" + std::to_string(i)).request()));
  CHECK(used.count(2) == 1);
  scene.fail(2);
  for (int i = 0; i < 9; ++i) CHECK(scene.send(text("INVITE", "b" + std::to_string(i)).request()) != 2);
  scene.host.clock.advance(30s);
  used.clear();
  for (int i = 0; i < 3; ++i) used.insert(scene.send(text("INVITE", "c" + std::to_string(i)).request()));
  CHECK(used.count(2) == 1);
  CHECK(scene.metrics.failures.sum(0) == 2);
}

TEST_CASE("what nobody answers goes on to the next upstream, within its time") {
  PoolOptions options;
  options.try_duration = 10s;
  options.try_interval = 2s;
  Scene scene(options);
  const auto invite = text("INVITE", "lost");
  SECTION("after the interval") {
    std::set<std::uint32_t> used{scene.send(invite.request())};
    scene.host.clock.advance(500ms);
    used.insert(scene.send(invite.request()));
    CHECK(used.size() == 1);
    scene.host.clock.advance(1500ms);
    used.insert(scene.send(invite.request()));
    CHECK(used.size() == 2);
    scene.host.clock.advance(2s);
    const auto last = scene.send(invite.request());
    used.insert(last);
    CHECK(used.size() == 3);  // each got its try
    scene.host.clock.advance(2s);
    CHECK(scene.send(invite.request()) == last);  // and there is no fourth
    CHECK(scene.metrics.retries.sum() == 2);
  }
  SECTION("at once when it refused") {
    const auto first = scene.send(invite.request());
    scene.fail(first);
    scene.host.clock.advance(500ms);
    CHECK(scene.send(invite.request()) != first);
  }
  SECTION("not when it was answered") {
    const auto first = scene.send(invite.request());
    scene.answer(first, invite.response(100));
    scene.host.clock.advance(4s);
    CHECK(scene.send(invite.request()) == first);
  }
  SECTION("not when its time is over") {
    const auto first = scene.send(invite.request());
    scene.host.clock.advance(11s);
    CHECK(scene.send(invite.request()) == first);
  }
  SECTION("and the dialog is with the one that answered, though another was asked last") {
    const auto first = scene.send(invite.request());
    scene.host.clock.advance(2s);
    CHECK(scene.send(invite.request()) != first);
    scene.answer(first, invite.response(200));
    CHECK(scene.send(within(text("ACK", "lost")).request()) == first);
    CHECK(scene.target(first).active == 1);
  }
}

TEST_CASE("silence speaks against an upstream only when it is complete, and the client is no mere address") {
  PoolOptions options;
  options.fail_duration = 60s;
  Scene scene(options);
  const bool proven = GENERATE(true, false), heard = GENERATE(true, false);
  const auto from = Scene::client("203.0.113.9:5060", proven);
  const auto n = scene.send(text("INVITE", "ignored").request(), from);
  scene.host.clock.advance(4s);
  scene.balancer->sweep(scene.host.clock.now());
  CHECK(scene.metrics.failures.sum(2) == 0);
  if (heard) scene.answer(n, text("OPTIONS", "other").response(200));
  scene.host.clock.advance(2s);
  for (int i = 0; i < 2; ++i) scene.balancer->sweep(scene.host.clock.now());
  CHECK(scene.metrics.failures.sum(2) == (proven && !heard ? 1 : 0));
}

TEST_CASE("draining: nothing new, while calls and registered clients stay, and registrations leave") {
  Scene scene;
  const auto n = call(scene, "held");
  Peer phone;
  std::uint32_t home = 0;
  std::string id;
  for (int i = 0; home != n && i < 9; ++i) {
    phone = Scene::client("203.0.113.9:" + std::to_string(5060 + i));
    id = "reg" + std::to_string(i);
    home = scene.send(text("REGISTER", id).request(), phone);
    scene.answer(home, text("REGISTER", id).response(200, "t", "Contact: <sip:a@x>;expires=600\r\n"), phone);
  }
  scene.target(n).draining = true;
  for (int i = 0; i < 9; ++i) CHECK(scene.send(text("INVITE", "i" + std::to_string(i)).request()) != n);
  CHECK(scene.send(within(text("BYE", "held", 2)).request()) == n);
  CHECK(scene.send(text("INVITE", "of a phone").request(), phone) == n);
  CHECK(scene.send(text("REGISTER", id, 2).request(), phone) != n);
}

TEST_CASE("who has as many clients as it may gets no other") {
  PoolOptions options;
  options.upstreams.push_back({*config::parse_upstream("udp/10.0.0.9"), 1, 2});
  test::FakeHost host;
  ProxyMetrics metrics(host.metrics);
  auto context = host.context();
  const auto pool = Pool::make(options, context);
  host.resolver.watched.at(0).second({Scene::at(9)});
  const auto shared = host.services.find<Targets>("proxy/targets/1");
  Balancer balancer(host.workers.at(0), *shared, metrics, 64);
  const auto choose = [&](const std::string& id, bool has_flow) {
    Packet packet(host.workers.at(0), Direction::inbound);
    const auto octets = text("OPTIONS", id).request();
    packet.assign(Scene::client(), octets);
    return balancer.choose(packet, *pool, [&](const Target&) { return has_flow; });
  };
  balancer.opened(Scene::at(9), Transport::udp);
  CHECK(choose("1", false).target);
  balancer.opened(Scene::at(9), Transport::udp);
  CHECK(choose("2", false).why == ProxyMetrics::upstreams_full);
  CHECK(choose("3", true).target);
  balancer.closed(Scene::at(9), Transport::udp);
  CHECK(choose("4", false).target);
}

TEST_CASE(
    "names: every address is an upstream, changes move nothing that goes on, other families are spare") {
  Scene scene;
  scene.resolve(0, {1, 4});
  std::set<std::uint32_t> used;
  for (int i = 0; i < 4; ++i) used.insert(call(scene, "c" + std::to_string(i)));
  CHECK(used == std::set<std::uint32_t>{1, 2, 3, 4});
  scene.resolve(0, {5});
  for (int i = 0; i < 4; ++i) {
    const auto n = scene.send(within(text("BYE", "c" + std::to_string(i), 2)).request());
    used.erase(n);
  }
  CHECK(used.empty());
  for (int i = 0; i < 12; ++i) used.insert(scene.send(text("OPTIONS", "d" + std::to_string(i)).request()));
  CHECK(used == std::set<std::uint32_t>{2, 3, 5});
  const auto v6 = *Endpoint::parse("[2001:db8::1]:5060");
  CHECK(resolved_hosts({Scene::at(1), v6}).size() == 1);
  CHECK(resolved_hosts({v6}).size() == 1);
}

TEST_CASE("services: the lowest priority that can be used, by weight") {
  const auto found =
      resolved_services({{Scene::at(3), 20, 5}, {Scene::at(1), 10, 30}, {Scene::at(2), 10, 10}});
  REQUIRE(found.size() == 3);
  CHECK(found[0].tier == 0);
  CHECK(found[0].share == 1.5);
  CHECK(found[1].share == 0.5);
  CHECK(found[2].tier == 1);
  CHECK(found[2].share == 1);
  PoolOptions options;
  options.fail_duration = 1min;
  options.upstreams.push_back({*config::parse_upstream("srv/_sip._udp.example.com")});
  test::FakeHost host;
  ProxyMetrics metrics(host.metrics);
  auto context = host.context();
  const auto pool = Pool::make(options, context);
  host.resolver.services.at(0).second(
      {{Scene::at(1), 10, 30}, {Scene::at(2), 10, 10}, {Scene::at(3), 20, 5}});
  const auto shared = host.services.find<Targets>("proxy/targets/1");
  Balancer balancer(host.workers.at(0), *shared, metrics, 64);
  int serial = 0;
  const auto deal = [&] {
    std::map<std::uint32_t, int> counts;
    for (int i = 0; i < 40; ++i) {
      Packet packet(host.workers.at(0), Direction::inbound);
      const auto octets = text("OPTIONS", std::to_string(serial++)).request();
      packet.assign(Scene::client(), octets);
      const auto choice = balancer.choose(packet, *pool, [](const Target&) { return false; });
      ++counts[choice.target->endpoint().address.v4_value() - 0xC0000200U];
    }
    return counts;
  };
  CHECK(deal() == std::map<std::uint32_t, int>{{1, 30}, {2, 10}});
  balancer.failed(Scene::at(1), Transport::udp, Failure::refused);
  CHECK(deal() == std::map<std::uint32_t, int>{{2, 40}});
  balancer.failed(Scene::at(2), Transport::udp, Failure::refused);
  CHECK(deal() == std::map<std::uint32_t, int>{{3, 40}});
}

TEST_CASE("a dialog of before a restart goes to the upstream that it names") {
  Scene scene;
  for (int i = 0; i < 6; ++i) {
    auto bye = within(text("BYE", "old" + std::to_string(i)));
    bye.uri = "sip:9000@192.0.2.2:5060";
    CHECK(scene.send(bye.request()) == 2);
    auto routed = within(text("BYE", "routed" + std::to_string(i)));
    routed.uri = "sip:9000@10.9.9.9";
    routed.extra = "Route: <sip:192.0.2.3;lr>\r\n";
    CHECK(scene.send(routed.request()) == 3);
  }
}

TEST_CASE("a reload keeps conversations, counts and draining") {
  Scene scene;
  const auto n = call(scene, "held");
  scene.target(n).draining = true;
  auto again = scene.pool->options();
  scene.make(again);
  CHECK(scene.send(within(text("BYE", "held", 2)).request()) == n);
  for (int i = 0; i < 6; ++i) CHECK(scene.send(text("INVITE", "i" + std::to_string(i)).request()) != n);
  CHECK(scene.target(n).requests() == 2);
}

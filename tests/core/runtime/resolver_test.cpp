#include "runtime/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "sipward/testing/fake_host.hpp"

using namespace sipward;
using namespace std::chrono_literals;
using What = LookupResult::What;

namespace {

// Answers at once, with what the test wrote down; a name of which it knows nothing does not exist.
class Zone final : public DnsClient {
 public:
  void ask(Lookup kind, std::string name, Done done) override {
    ++asked[name];
    LookupResult result;
    result.ttl = ttl;
    if (broken.contains({name, kind})) {
      result.why = "broken";
      return done(std::move(result));
    }
    result.what = What::nothing;
    result.why = "not found";
    if (kind == Lookup::service) {
      result.records = services[name];
    } else {
      for (const auto& address : hosts[name])
        if (address.is_v4() == (kind == Lookup::v4)) result.addresses.push_back(address);
    }
    if (!result.records.empty() || !result.addresses.empty()) result.what = What::found;
    done(std::move(result));
  }

  std::map<std::string, int> asked;
  std::map<std::string, std::vector<Address>> hosts;
  std::map<std::string, std::vector<SrvRecord>> services;
  std::set<std::pair<std::string, Lookup>> broken;
  std::chrono::seconds ttl{0};
};

struct Bench {
  boost::asio::io_context io;
  test::FakeLogger log;
  Zone zone;
  NameResolver resolver{io, log, zone, {1ms, 2ms, 1ms, 2ms}};
  std::vector<std::string> heard;
  std::vector<std::shared_ptr<void>> handles;

  void watch(const std::string& name) {
    handles.push_back(resolver.watch(name, 5060, [this](std::vector<Endpoint> found) { hear(found); }));
  }
  void watch_service(const std::string& name) {
    handles.push_back(resolver.watch_service(name, [this](const std::vector<ServiceTarget>& found) {
      std::vector<Endpoint> endpoints;
      for (const auto& target : found) endpoints.push_back(target.endpoint);
      hear(endpoints);
    }));
  }
  void hear(const std::vector<Endpoint>& found) {
    std::string text;
    for (const auto& endpoint : found) text += (text.empty() ? "" : " ") + endpoint.to_string();
    heard.push_back(text);
  }
  // Runs until so many more answers to the name were asked for.
  void rounds(const std::string& name, int more = 4) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    const int wanted = zone.asked[name] + more;
    while (zone.asked[name] < wanted && std::chrono::steady_clock::now() < end) io.run_one_for(1s);
    io.poll();
  }
  int said(const std::string& word) {
    int count = 0;
    for (const auto& line : log.lines()) count += line.find(word) != std::string::npos ? 1 : 0;
    return count;
  }
};

Address address(const char* text) {
  return *Address::parse(text);
}

}  // namespace

TEST_CASE("a literal is told at once and asked of nobody") {
  Bench b;
  b.watch("192.0.2.1");
  CHECK(b.heard == std::vector<std::string>{"192.0.2.1:5060"});
  CHECK(b.zone.asked.empty());
}

TEST_CASE("a name is told when it changes, and only then") {
  Bench b;
  b.zone.hosts["trunk"] = {address("192.0.2.1"), address("2001:db8::1")};
  b.watch("Trunk");
  CHECK(b.heard.empty());
  b.rounds("trunk");
  CHECK(b.heard == std::vector<std::string>{"192.0.2.1:5060 [2001:db8::1]:5060"});
  b.zone.hosts["trunk"] = {address("192.0.2.2")};
  b.rounds("trunk");
  REQUIRE(b.heard.size() == 2);
  CHECK(b.heard[1] == "192.0.2.2:5060");
  CHECK(b.said("resolves to") == 2);
}

TEST_CASE("a second watcher hears at once what is known, and asks nobody") {
  Bench b;
  b.zone.hosts["trunk"] = {address("192.0.2.1")};
  b.watch("trunk");
  b.rounds("trunk");
  const int asked = b.zone.asked["trunk"];
  b.watch("trunk");
  CHECK(b.heard.size() == 2);
  CHECK(b.zone.asked["trunk"] == asked);
}

TEST_CASE("the last good answer outlives a name that is gone, and is said once") {
  Bench b;
  b.zone.hosts["trunk"] = {address("192.0.2.1")};
  b.watch("trunk");
  b.rounds("trunk");
  b.zone.hosts.clear();
  b.rounds("trunk", 8);
  CHECK(b.heard.size() == 1);
  CHECK(b.said("does not resolve") == 1);
  b.zone.hosts["trunk"] = {address("192.0.2.1")};
  b.rounds("trunk");
  CHECK(b.heard.size() == 1);
  CHECK(b.said("resolves again") == 1);
}

TEST_CASE("while one kind of address can't be asked for, what is known of it stays") {
  Bench b;
  b.zone.hosts["trunk"] = {address("192.0.2.1"), address("2001:db8::1")};
  b.watch("trunk");
  b.rounds("trunk");
  b.zone.broken.insert({"trunk", Lookup::v6});
  b.zone.hosts["trunk"] = {address("192.0.2.2")};
  b.rounds("trunk");
  REQUIRE(b.heard.size() == 2);
  CHECK(b.heard[1] == "192.0.2.2:5060 [2001:db8::1]:5060");
  b.zone.broken.clear();
  b.rounds("trunk");
  REQUIRE(b.heard.size() == 3);
  CHECK(b.heard[2] == "192.0.2.2:5060");
}

TEST_CASE("of very many addresses only so many are told") {
  Bench b;
  for (unsigned i = 0; i < 1000; ++i) b.zone.hosts["trunk"].push_back(Address::v4(0xC0000200U + i));
  std::size_t count = 0;
  const auto handle =
      b.resolver.watch("trunk", 5060, [&](const std::vector<Endpoint>& found) { count = found.size(); });
  b.rounds("trunk");
  CHECK(count == Resolver::kMaxAddresses);
  CHECK(b.said("too many") == 1);
}

TEST_CASE("whoever lets go of his handle hears nothing more") {
  Bench b;
  b.zone.hosts["trunk"] = {address("192.0.2.1")};
  b.watch("trunk");
  b.handles.clear();
  while (b.io.run_one_for(50ms) != 0) {
  }
  CHECK(b.heard.empty());
}

TEST_CASE("a service is every address of every target, with its port, kept up to date") {
  Bench b;
  b.zone.services["_sip._udp.trunk"] = {{"a", 5060, 1, 0}, {"b", 5070, 2, 10}};
  b.zone.hosts["a"] = {address("192.0.2.1")};
  b.zone.hosts["b"] = {address("192.0.2.2"), address("2001:db8::2")};
  b.watch_service("_sip._udp.trunk");
  b.rounds("b");
  REQUIRE_FALSE(b.heard.empty());
  CHECK(b.heard.back() == "192.0.2.1:5060 192.0.2.2:5070 [2001:db8::2]:5070");
  b.zone.hosts["a"] = {address("192.0.2.9")};  // a target moves
  b.rounds("a");
  CHECK(b.heard.back() == "192.0.2.2:5070 192.0.2.9:5060 [2001:db8::2]:5070");
  b.zone.services["_sip._udp.trunk"] = {{"b", 5060, 1, 0}};  // a target goes
  b.rounds("_sip._udp.trunk");
  CHECK(b.heard.back() == "192.0.2.2:5060 [2001:db8::2]:5060");
}

TEST_CASE("a service keeps its last answer through failures, and until new targets are known") {
  Bench b;
  b.zone.services["_sip._udp.trunk"] = {{"a", 5060, 1, 0}};
  b.zone.hosts["a"] = {address("192.0.2.1")};
  b.watch_service("_sip._udp.trunk");
  b.rounds("a");
  const auto before = b.heard.size();
  b.zone.broken.insert({"_sip._udp.trunk", Lookup::service});
  b.rounds("_sip._udp.trunk");
  b.zone.broken.clear();
  b.zone.services["_sip._udp.trunk"] = {{"nowhere", 5060, 1, 0}};
  b.rounds("nowhere");
  CHECK(b.heard.size() == before);
  b.watch_service("_sip._udp.trunk");
  CHECK(b.heard.back() == "192.0.2.1:5060");
  b.zone.hosts["nowhere"] = {address("192.0.2.7")};
  b.rounds("nowhere");
  CHECK(b.heard.back() == "192.0.2.7:5060");
}

TEST_CASE("names are asked for again by TTL within bounds, and after failures in growing steps") {
  const ResolverTimes times;
  CHECK(times.refresh(0s) == 5s);
  CHECK(times.refresh(60s) == 60s);
  CHECK(times.refresh(std::chrono::hours(24 * 365)) == 1h);
  CHECK(times.retry(1, 0) == 1s);
  CHECK(times.retry(2, 0) == 2s);
  CHECK(times.retry(5, 0) == 16s);
  CHECK(times.retry(1'000'000, 0) == 60s);
  for (std::uint32_t random = 0; random < 1000; ++random) {
    CHECK(times.retry(3, random) <= 4s);
    CHECK(times.retry(3, random) >= 3s);
  }
}

TEST_CASE("when the name servers are others, every name is asked for at once") {
  Bench b;
  const ResolverTimes slow{1h, 1h, 1h, 1h};
  NameResolver resolver(b.io, b.log, b.zone, slow);
  const auto handle =
      resolver.watch("trunk", 5060, [&](const std::vector<Endpoint>& found) { b.hear(found); });
  b.io.poll();
  CHECK(b.heard.empty());
  b.zone.hosts["trunk"] = {address("192.0.2.1")};
  resolver.refresh();
  b.io.poll();
  CHECK(b.heard == std::vector<std::string>{"192.0.2.1:5060"});
}

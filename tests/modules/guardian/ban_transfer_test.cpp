#include "ban_transfer.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "csv.hpp"
#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;
namespace json = boost::json;

namespace {

json::object import(GuardianHarness& g, const std::string& body) {
  const auto response = g.ask("POST", "/bans/import", body);
  INFO(response.body);
  CHECK(response.status == 200);
  return json::parse(response.body).as_object();
}

bool bites(GuardianHarness& g, const std::string& address) {
  return !g.passes(GuardianHarness::peer(address + ":40000", Transport::tcp), g.next().request());
}

void some_bans(GuardianHarness& g) {
  g.ask("POST", "/ban/192.0.2.1", R"({"reason": "said \"no\", twice", "duration": "24h"})");
  g.ask("POST", "/ban/198.51.100.0%2F24", R"({"duration": "48h"})");
  g.ask("POST", "/ban/2001:db8::1");
}

}  // namespace

TEST_CASE("what one guardian exports another one imports, as JSON and as CSV") {
  for (const char* format : {"json", "csv"}) {
    GuardianHarness from, to;
    some_bans(from);
    from.host.clock.advance(1h - 1s);
    to.host.clock.advance(1h - 1s);
    const auto exported = from.ask("GET", std::string("/bans/export?format=") + format);
    INFO(exported.body);
    CHECK(exported.status == 200);
    const auto answer = import(to, exported.body);
    CHECK(answer.at("imported") == 3);
    CHECK(answer.at("refused").as_array().empty());
    const auto before = from.instance->store().all();
    const auto after = to.instance->store().all();
    REQUIRE(after.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(after[i]->prefix == before[i]->prefix);
      CHECK(after[i]->scope == before[i]->scope);
      CHECK(after[i]->reason == before[i]->reason);
      CHECK(after[i]->expires_at == before[i]->expires_at);
    }
    CHECK(bites(to, "192.0.2.1"));
    CHECK(bites(to, "198.51.100.99"));
    CHECK(import(to, exported.body).at("unchanged") == 3);
  }
}

TEST_CASE("what may not be banned is refused by itself, and the rest holds") {
  GuardianHarness g("sip_guardian { whitelist 10.0.0.0/8 }");
  const auto guard = g.host.protected_addresses.add("upstream of proxy", {*Address::parse("198.51.100.1")});
  const auto answer = import(g, R"([
    {"ip": "192.0.2.1"}, {"ip": "10.1.2.3"}, {"ip": "198.51.100.0/24"}, {"ip": "0.0.0.0/0"}, {"ip": "x"}, {}, 7,
    {"ip": "192.0.2.2", "expires_at": "2001-01-01T00:00:00Z"}, {"ip": "192.0.2.3", "expires_at": "soon"},
    {"ip": "192.0.2.4", "scope": "flow"}, {"ip": "192.0.2.5", "scope": "identity"},
    {"ip": "192.0.2.6", "scope": "all"}, {"ip": "192.0.2.7", "duration": "2h"},
    {"ip": "192.0.2.8", "scope": "flow", "port": 5060}])");
  CHECK(answer.at("imported") == 3);
  const auto& refused = answer.at("refused").as_array();
  REQUIRE(refused.size() == 11);
  CHECK(refused[0].at("ip") == "10.1.2.3");
  CHECK(refused[0].at("error") == "it is whitelisted");
  CHECK(refused[1].at("error") == "it is protected: upstream of proxy");
  CHECK(bites(g, "192.0.2.1"));
  CHECK_FALSE(bites(g, "10.1.2.3"));
  CHECK_FALSE(bites(g, "192.0.2.4"));
  const auto until = g.instance->store().find(*Cidr::parse("192.0.2.7"));
  REQUIRE(until);
  CHECK(until->expires - g.host.clock.now() == 2h);
}

TEST_CASE("an imported ban of a user holds for that user") {
  GuardianHarness g;
  const auto phone = GuardianHarness::peer("192.0.2.30:5060");
  REQUIRE(g.log_in(phone, "alice", 200));
  CHECK(import(g, "ip,scope,user\n192.0.2.30,identity,bob\n").at("imported") == 1);
  CHECK(g.passes(phone, g.register_as("alice").request()));
  CHECK_FALSE(g.passes(GuardianHarness::peer("192.0.2.30:5071"), g.register_as("bob").request()));
}

TEST_CASE("an import is told to whoever hears of bans") {
  struct Heard final : EventSink {
    void take(const EventPtr& event) noexcept override { count += event->kind == EventKind::ban ? 1 : 0; }
    int count = 0;
  };
  GuardianHarness g;
  const auto heard = std::make_shared<Heard>();
  g.instance->events().subscribe(heard);
  import(g, "ip\r\n192.0.2.1\r\n192.0.2.2\r\n");
  CHECK(heard->count == 2);
}

TEST_CASE("a body that is neither JSON nor CSV of bans is refused whole") {
  GuardianHarness g;
  for (const char* body :
       {"", " ", "{", "{}", R"({"bans": 1})", "address\n192.0.2.1\n", "ip\n\"192.0.2.1\n"}) {
    INFO(body);
    CHECK(g.ask("POST", "/bans/import", body).status == 400);
  }
  CHECK(g.instance->store().size() == 0);
}

TEST_CASE("an export is paged") {
  GuardianHarness g;
  some_bans(g);
  auto page = g.ask("GET", "/bans/export?limit=2");
  auto body = json::parse(page.body).as_object();
  CHECK(body.at("bans").as_array().size() == 2);
  CHECK(body.at("count") == 3);
  const std::string after = body.at("after").as_string().c_str();
  page = g.ask("GET", "/bans/export?format=csv&after=" + after);
  CHECK(page.content_type.rfind("text/csv", 0) == 0);
  CHECK(read_csv(page.body)->size() == 2);
  CHECK(page.headers.empty());
  CHECK(g.ask("GET", "/bans/export?format=xml").status == 400);
  CHECK(g.ask("GET", "/bans/export?limit=0").status == 400);
}

TEST_CASE("CSV is read and written with its quotes") {
  const auto lines = read_csv("a,b\r\n\"x \"\"y\"\", z\",\n\n\"two\nlines\",2");
  REQUIRE(lines);
  using Lines = std::vector<std::vector<std::string>>;
  CHECK(*lines == Lines{{"a", "b"}, {"x \"y\", z", ""}, {"two\nlines", "2"}});
  CHECK_FALSE(read_csv("\"open"));
  CHECK_FALSE(read_csv("\"a\"b"));
  std::string out;
  append_csv(out, "plain", false);
  append_csv(out, "a \"b\"\n,", true);
  CHECK(out == "plain,\"a \"\"b\"\"\n,\"\r\n");
}

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using test::GuardianHarness;
namespace json = boost::json;

namespace {

const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);

std::string scanner(GuardianHarness& g) {
  auto text = g.next();
  text.extra = "User-Agent: sipvicious\r\n";
  return text.request();
}

HttpResponse ask(GuardianHarness& g, const std::string& method, const std::string& path) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  HttpResponse response;
  g.host.endpoints.run("sip_guardian/default", request, response);
  g.host.workers.run();
  return response;
}

std::string whitelist(GuardianHarness& g) {
  return json::serialize(json::parse(ask(g, "GET", "/whitelist").body).at("whitelist"));
}

void ban(GuardianHarness& g, const char* prefix) {
  auto made = std::make_unique<Ban>(Scope::address, *Cidr::parse(prefix), 0, 0);
  made->automatic = false;
  g.instance->ban_by_hand(std::move(made), std::chrono::hours(1));
  g.host.workers.run();
}

std::vector<ServiceTarget> targets(std::initializer_list<const char*> endpoints) {
  std::vector<ServiceTarget> result;
  for (const char* endpoint : endpoints) result.push_back({*Endpoint::parse(endpoint), 1, 1});
  return result;
}

}  // namespace

TEST_CASE("a whitelisted service holds the addresses of all its targets, and shows them") {
  GuardianHarness g("sip_guardian { whitelist _sip._udp.trunk.example.com trunk.example.com }");
  REQUIRE(g.host.resolver.services.size() == 1);
  CHECK(g.host.resolver.services[0].first == "_sip._udp.trunk.example.com");
  CHECK(whitelist(g) == R"([{"entry":"_sip._udp.trunk.example.com","source":"sipfile","networks":[]},)"
                        R"({"entry":"trunk.example.com","source":"sipfile","networks":[]}])");
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
  CHECK(g.banned(kTcp));
  g.host.resolver.services[0].second(targets({"192.0.2.20:5060", "192.0.2.20:5070", "[2001:db8::1]:5060"}));
  g.host.workers.run();
  CHECK_FALSE(g.banned(kTcp));  // resolving to it lifts its ban
  CHECK(g.passes(kTcp, scanner(g)));
  CHECK(whitelist(g).find(R"("networks":["192.0.2.20","2001:db8::1"])") != std::string::npos);
  CHECK(ask(g, "POST", "/ban/192.0.2.20").status == 409);
  CHECK(ask(g, "POST", "/ban/2001:db8::1").status == 409);
  g.host.resolver.services[0].second(targets({"192.0.2.21:5060"}));
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
}

TEST_CASE("a name is put on the whitelist by hand, and taken off") {
  GuardianHarness g("sip_guardian { whitelist written.example.com }");
  CHECK(ask(g, "POST", "/whitelist/trunk.example.com").status == 201);
  CHECK(whitelist(g).find(R"({"entry":"trunk.example.com","source":"admin","networks":[]})") !=
        std::string::npos);
  REQUIRE(g.host.resolver.watched.size() == 2);
  g.host.resolver.watched[1].second({kTcp.remote});
  CHECK(g.passes(kTcp, scanner(g)));
  CHECK(ask(g, "POST", "/ban/192.0.2.20").status == 409);
  CHECK(ask(g, "DELETE", "/whitelist/trunk.example.com").status == 200);
  g.host.resolver.watched[1].second({kTcp.remote});  // an answer that was on its way
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
  CHECK(ask(g, "DELETE", "/whitelist/trunk.example.com").status == 404);
  CHECK(ask(g, "DELETE", "/whitelist/written.example.com").status == 409);
  CHECK(ask(g, "POST", "/whitelist/no name").status == 400);
  for (std::size_t i = 0; i < Instance::kNamesByHand; ++i) {
    CHECK(ask(g, "POST", "/whitelist/h" + std::to_string(i) + ".example.com").status == 201);
  }
  CHECK(ask(g, "POST", "/whitelist/late.example.com").status == 409);
}

TEST_CASE("a ban of what becomes protected is lifted, a network's too") {
  GuardianHarness g;
  ban(g, "192.0.2.20");
  ban(g, "192.0.2.0/24");
  ban(g, "198.51.100.1");
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
  const auto handle = g.host.protected_addresses.add("the upstream x", {kTcp.remote.address});
  g.host.workers.run();
  CHECK(g.passes(kTcp, g.next().request()));
  CHECK(g.instance->store().size() == 1);
  CHECK(json::parse(ask(g, "POST", "/ban/192.0.2.20").body).at("error").as_string().find("the upstream x") !=
        json::string::npos);
}

TEST_CASE("what a guardian lets validate tell: that somebody bans, and that nobody is whitelisted") {
  GuardianHarness g;
  CHECK(notes(g.host.scope).somebody_bans);
  REQUIRE(notes(g.host.scope).hints.size() == 1);
  g.add("sip_guardian { whitelist trunk.example.com }");
  CHECK(notes(g.host.scope).hints.empty());
}

TEST_CASE("a whitelist of everybody is warned of") {
  for (const char* everybody : {"0.0.0.0/0", "10.0.0.0/8 ::/0"}) {
    config::Errors errors;
    BuildScope scope;
    test::PlainCreateContext create(errors, scope);
    const auto nodes =
        config::parse_text("f", "sip_guardian {\nwhitelist " + std::string(everybody) + "\n}", {}, errors);
    make_guardian(nodes.at(0), create);
    CHECK(errors.ok());
    CHECK(errors.to_string().find("switches the guardian off") != std::string::npos);
  }
}

TEST_CASE("a database that can't be read is a warning, required or not, and says what follows") {
  for (const std::string more : {"", "geoip_required"}) {
    config::Errors errors;
    BuildScope scope;
    test::PlainCreateContext create(errors, scope);
    const auto nodes = config::parse_text(
        "f", "sip_guardian {\ngeoip_db /nonexistent/x.mmdb\nblocked_countries CN\n" + more + "\n}", {},
        errors);
    make_guardian(nodes.at(0), create)->validate(errors);
    INFO(errors.to_string());
    CHECK(errors.ok());
    CHECK(errors.to_string().find(
              "f:2:1: warning: geoip_db '/nonexistent/x.mmdb' can't be read: No such file") !=
          std::string::npos);
    CHECK((errors.to_string().find("nothing starts without it") != std::string::npos) == !more.empty());
  }
}

TEST_CASE("lists without a database are warned of") {
  config::Errors errors;
  BuildScope scope;
  test::PlainCreateContext create(errors, scope);
  const auto nodes =
      config::parse_text("f", "sip_guardian {\nblocked_countries CN\nblocked_asns AS1221\n}", {}, errors);
  make_guardian(nodes.at(0), create);
  CHECK(errors.ok());
  CHECK(errors.to_string().find("blocked_countries refuses nobody without geoip_db") != std::string::npos);
  CHECK(errors.to_string().find("blocked_asns refuses nobody without asn_db") != std::string::npos);
}

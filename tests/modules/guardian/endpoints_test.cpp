#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;
namespace json = boost::json;

namespace {

struct Answer {
  unsigned status = 0;
  json::object body;
};

Answer ask(GuardianHarness& g, const std::string& method, const std::string& path,
           const std::string& body = {}) {
  const auto response = g.ask(method, path, body);
  INFO(response.body);
  return {response.status, json::parse(response.body).as_object()};
}

const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);

std::string scanner(GuardianHarness& g) {
  auto text = g.next();
  text.extra = "User-Agent: sipvicious\r\n" + GuardianHarness::credentials("bob", "S3CRETNONCE");
  return text.request();
}

}  // namespace

TEST_CASE("a ban by hand is made, listed, explained, bites and is lifted") {
  GuardianHarness g;
  auto made = ask(g, "POST", "/ban/192.0.2.20", R"({"reason": "manual_ban", "duration": "24h"})");
  CHECK(made.status == 201);
  CHECK(made.body["ip"] == "192.0.2.20");
  CHECK(made.body["scope"] == "address");
  CHECK(made.body["source"] == "admin");
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
  auto list = ask(g, "GET", "/bans");
  CHECK(list.status == 200);
  CHECK(list.body["count"] == 1);
  CHECK(list.body["after"].is_null());
  for (const char* key :
       {"ip", "scope", "reason", "source", "evidence", "proof", "banned_at", "expires_at", "hits"}) {
    CHECK(list.body["bans"].as_array()[0].as_object().contains(key));
  }
  CHECK(ask(g, "GET", "/bans/192.0.2.20").body["hits"] == 1);
  CHECK(ask(g, "DELETE", "/unban/192.0.2.20").status == 200);
  CHECK(g.passes(kTcp, g.next().request()));
  CHECK(ask(g, "DELETE", "/unban/192.0.2.20").status == 404);
  CHECK(ask(g, "GET", "/bans/192.0.2.20").status == 404);
}

TEST_CASE("a network is banned by its escaped prefix, an IPv6 address with its /64") {
  GuardianHarness g;
  auto made = ask(g, "POST", "/ban/192.0.2.0%2F24");
  CHECK(made.status == 201);
  CHECK(made.body["scope"] == "network");
  CHECK(made.body["reason"] == "manual_ban");
  CHECK_FALSE(g.passes(kTcp, g.next().request()));
  CHECK(ask(g, "GET", "/bans/192.0.2.99").status == 200);
  CHECK(ask(g, "POST", "/ban/2001:db8::1").body["ip"] == "2001:db8::/64");
}

TEST_CASE("what a call cannot do is answered with the right status and an error") {
  GuardianHarness g("sip_guardian { whitelist 10.0.0.0/8 }");
  const auto guard = g.host.protected_addresses.add("upstream of proxy", {*Address::parse("198.51.100.1")});
  struct {
    const char* method;
    const char* path;
    const char* body;
    unsigned status;
  } const cases[] = {
      {"POST", "/ban/nonsense", "", 400},
      {"POST", "/ban/192.0.2.1", "{", 400},
      {"POST", "/ban/192.0.2.1", "[]", 400},
      {"POST", "/ban/192.0.2.1", R"({"duration": "soon"})", 400},
      {"POST", "/ban/192.0.2.1", R"({"duration": "0s"})", 400},
      {"POST", "/ban/192.0.2.1", R"({"duration": 5})", 400},
      {"POST", "/ban/192.0.2.1", R"({"reason": ""})", 400},
      {"POST", "/ban/192.0.2.1", R"({"why": "x"})", 400},
      {"POST", "/ban/0.0.0.0%2F0", "", 400},
      {"POST", "/ban/10.1.2.3", "", 409},
      {"POST", "/ban/10.0.0.0%2F16", "", 409},
      {"POST", "/ban/198.51.100.1", "", 409},
      {"POST", "/ban/198.51.100.0%2F24", "", 409},
      {"DELETE", "/unban/nonsense", "", 400},
      {"DELETE", "/unban/192.0.2.1", "", 404},
      {"GET", "/bans/192.0.2.1", "", 404},
      {"GET", "/bans?limit=0", "", 400},
      {"GET", "/bans?limit=x", "", 400},
      {"GET", "/bans?ip=x", "", 400},
      {"DELETE", "/whitelist/10.0.0.0%2F8", "", 409},
      {"DELETE", "/whitelist/192.0.2.1", "", 404},
  };
  for (const auto& c : cases) {
    INFO(c.method << " " << c.path << " " << c.body);
    auto answer = ask(g, c.method, c.path, c.body);
    CHECK(answer.status == c.status);
    CHECK(answer.body["error"].is_string());
  }
}

TEST_CASE("why a source was banned is told without its secrets") {
  GuardianHarness g;
  g.passes(kTcp, scanner(g));
  auto why = ask(g, "GET", "/bans/192.0.2.20");
  CHECK(why.status == 200);
  CHECK(why.body["reason"] == "scanner");
  CHECK(why.body["proof"] == "handshake");
  CHECK(why.body["signals"].as_array().size() == 1);
  CHECK(json::serialize(why.body["messages"]).find("S3CRETNONCE") == std::string::npos);
}

TEST_CASE("a soft block is told by its address and is no ban") {
  GuardianHarness g;
  const auto udp = GuardianHarness::peer("192.0.2.30:5060");
  for (int i = 0; i < 5; ++i) {
    auto text = g.next();
    text.extra = "User-Agent: sipvicious\r\n";
    g.passes(udp, text.request());
  }
  auto why = ask(g, "GET", "/bans/192.0.2.30");
  CHECK(why.status == 200);
  CHECK(why.body["soft_block"] == true);
  CHECK(why.body["signals"].as_array().size() == 5);
  CHECK(ask(g, "GET", "/bans").body["count"] == 0);
  CHECK(ask(g, "DELETE", "/unban/192.0.2.30").status == 200);
  CHECK(g.passes(udp, g.next().request()));
}

TEST_CASE("stats are the README's six keys as integers, and more") {
  GuardianHarness g;
  g.passes(kTcp, g.next().request());
  g.passes(kTcp, scanner(g));
  auto stats = ask(g, "GET", "/stats");
  CHECK(stats.body["total_requests"] == 2);
  CHECK(stats.body["blocked_requests"] == 1);
  CHECK(stats.body["active_bans"] == 1);
  for (const char* key : {"enumeration_detections", "validation_failures", "rate_limited"}) {
    CHECK(stats.body[key] == 0);
  }
  CHECK(ask(g, "GET", "/validation/stats").body["violations"].as_object().contains("missing_via"));
  CHECK(ask(g, "GET", "/enumeration/stats").status == 200);
}

TEST_CASE("the whitelist is shown and changed while running") {
  GuardianHarness g("sip_guardian { whitelist 10.0.0.0/8 }");
  g.passes(kTcp, scanner(g));
  CHECK(g.banned(kTcp));
  CHECK(ask(g, "POST", "/whitelist/192.0.2.0%2F24").status == 201);
  CHECK_FALSE(g.banned(kTcp));
  CHECK(g.passes(kTcp, scanner(g)));
  CHECK(ask(g, "GET", "/whitelist").body["whitelist"].as_array().size() == 2);
  CHECK(ask(g, "DELETE", "/whitelist/192.0.2.0%2F24").status == 200);
  CHECK_FALSE(g.passes(kTcp, scanner(g)));
}

TEST_CASE("metrics carry the README's names and bounded labels") {
  GuardianHarness g;
  g.passes(kTcp, g.next("FANCY").request());
  g.passes(kTcp, scanner(g));
  std::map<std::string, MetricFamily> families;
  for (auto& family : g.host.metrics.collect()) families.emplace(family.name, family);
  for (const char* name :
       {"sip_guardian_requests_total", "sip_guardian_blocked_total", "sip_guardian_active_bans",
        "sip_guardian_rate_limited_total", "sip_guardian_enumeration_detections_total",
        "sip_guardian_enumeration_tracked_ips", "sip_guardian_validation_violations_total",
        "sip_guardian_validation_results_total", "sip_guardian_message_size_bytes",
        "sip_guardian_geoip_blocked_total", "sip_guardian_decisions_total", "sip_guardian_unjudged_total",
        "sip_guardian_decision_seconds", "sip_guardian_ban_kernel_errors_total"}) {
    INFO(name);
    CHECK(families.count(name) == 1);
  }
  const auto value = [&](const std::string& name, const std::string& label) {
    for (const auto& sample : families[name].samples) {
      if (sample.label_value == label) return sample.number;
    }
    return -1.0;
  };
  CHECK(value("sip_guardian_requests_total", "other") == 1);
  CHECK(value("sip_guardian_requests_total", "OPTIONS") == 1);
  CHECK(value("sip_guardian_blocked_total", "scanner") == 1);
  CHECK(value("sip_guardian_active_bans", "") == 1);
}

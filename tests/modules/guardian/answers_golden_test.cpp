#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

// What the admin API answers, whole: scripts of other people read it.
using namespace sipward;
using namespace sipward::guardian;
using test::GuardianHarness;
namespace json = boost::json;

namespace {

const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);
const Peer kUdp = GuardianHarness::peer("192.0.2.30:5060");

std::string ask(GuardianHarness& g, const std::string& method, const std::string& path,
                const std::string& body = {}) {
  const auto response = g.ask(method, path, body, "management/guardian/default");
  return std::to_string(response.status) + ' ' + response.body;
}

void scan(GuardianHarness& g, const Peer& from) {
  auto text = g.next("REGISTER");
  text.to = "<sip:100@example.com>";
  if (is_stream(from.transport)) text.transport = "TCP";
  text.extra = "User-Agent: friendly-scanner\r\n";
  g.passes(from, text.request());
}

}  // namespace

TEST_CASE("bans are listed, made and lifted in these words") {
  GuardianHarness g("sip_guardian { whitelist 10.0.0.0/8 }");
  CHECK(ask(g, "GET", "/bans") == R"(200 {"bans":[],"count":0,"after":null})");
  CHECK(ask(g, "POST", "/ban/192.0.2.7", R"({"reason":"calls at night","duration":"24h"})") ==
        R"(201 {"ip":"192.0.2.7","scope":"address","reason":"calls at night","source":"admin",)"
        R"("evidence":"trusted","proof":"none","banned_at":"2019-12-20T00:00:00Z",)"
        R"("expires_at":"2019-12-21T00:00:00Z","hits":0})");
  CHECK(ask(g, "POST", "/ban/198.51.100.0%2F24") ==
        R"(201 {"ip":"198.51.100.0/24","scope":"network","reason":"manual_ban","source":"admin",)"
        R"("evidence":"trusted","proof":"none","banned_at":"2019-12-20T00:00:00Z",)"
        R"("expires_at":"2019-12-20T01:00:00Z","hits":0})");
  CHECK(ask(g, "GET", "/bans?limit=1") ==
        R"(200 {"bans":[{"ip":"192.0.2.7","scope":"address","reason":"calls at night","source":"admin",)"
        R"("evidence":"trusted","proof":"none","banned_at":"2019-12-20T00:00:00Z",)"
        R"("expires_at":"2019-12-21T00:00:00Z","hits":0}],"count":2,"after":"1"})");
  CHECK(ask(g, "GET", "/bans?after=2") == R"(200 {"bans":[],"count":2,"after":null})");
  CHECK(ask(g, "GET", "/bans?ip=198.51.100.9").find(R"("count":1,"after":null)") != std::string::npos);
  CHECK(ask(g, "GET", "/bans?reason=manual_ban").find(R"("count":1,"after":null)") != std::string::npos);
  CHECK(ask(g, "DELETE", "/unban/198.51.100.0%2F24") == R"(200 {"unbanned":"198.51.100.0/24"})");
  CHECK(ask(g, "DELETE", "/unban/192.0.2.8") == "404 {\"error\":\"192.0.2.8 is not banned\"}\n");
  CHECK(ask(g, "POST", "/ban/10.1.1.1") ==
        "409 {\"error\":\"10.1.1.1 is whitelisted; take it off the list first\"}\n");
  CHECK(ask(g, "PUT", "/ban/10.1.1.1") == "405 {\"error\":\"this path does not take that method\"}\n");
  CHECK(ask(g, "GET", "/nonsense") == "404 {\"error\":\"no such path\"}\n");
  CHECK(ask(g, "GET", "/whitelist") == R"(200 {"whitelist":[{"entry":"10.0.0.0/8","source":"sipfile"}]})");
}

TEST_CASE("why a ban was made is answered in these words") {
  GuardianHarness g;
  scan(g, kTcp);
  CHECK(
      ask(g, "GET", "/bans/192.0.2.20") ==
      R"(200 {"ip":"192.0.2.20","scope":"address","reason":"scanner","source":"guardian",)"
      R"("evidence":"proven","proof":"handshake","banned_at":"2019-12-20T00:00:00Z",)"
      R"("expires_at":"2019-12-20T01:00:00Z","hits":0,"signals":[{"at":"2019-12-20T00:00:00Z",)"
      R"("reason":"scanner","weight":1,"method":"REGISTER","transport":"tcp","proof":"handshake","user":"100"}],)"
      R"("messages":["REGISTER sip:100@example.com SIP/2.0\nVia: SIP/2.0/TCP )"
      R"(192.0.2.10:5060;branch=z9hG4bKb1;rport\nFrom: <sip:alice@example.com>;tag=(redacted)\n)"
      R"(To: <sip:100@example.com>\nCall-ID: call-1\nCSeq: 1 REGISTER\nMax-Forwards: 70\n)"
      R"(User-Agent: friendly-scanner\nContent-Length: 0\n"]})");
}

TEST_CASE("all that is known of an address is answered in these words") {
  GuardianHarness g("sip_guardian { whitelist 10.0.0.0/8 }");
  const auto guard = g.host.protected_addresses.add("the upstream", {*Address::parse("198.51.100.1")});
  CHECK(ask(g, "GET", "/why/192.0.2.30") ==
        R"(200 {"ip":"192.0.2.30","state":"unknown","text":"192.0.2.30 is not banned.\nNothing is counted )"
        R"(against it.\n","bans":[],"soft_block":null,"failures":0,"strikes":0,"signals":[]})");
  scan(g, kUdp);
  CHECK(
      ask(g, "GET", "/why/192.0.2.30") ==
      R"(200 {"ip":"192.0.2.30","state":"counted","text":"192.0.2.30 is not banned.\nCounted within 10 min: )"
      R"(0 proven failures and 1 unproven one; 5 of a kind are too many.\n)"
      R"(What led there (the last 1, times in UTC):\n  00:00:00 REGISTER of user 100 over UDP: it has the form )"
      R"(of a known scanning tool, weight 1; its sender was not proven.\n","bans":[],"soft_block":null,)"
      R"("failures":0,"strikes":1,"signals":[{"at":"2019-12-20T00:00:00Z","reason":"scanner","weight":1,)"
      R"("method":"REGISTER","transport":"udp","proof":"none","user":"100"}]})");
  scan(g, kTcp);
  const auto banned = json::parse(ask(g, "GET", "/why/192.0.2.20").substr(4)).as_object();
  CHECK(banned.at("state") == "banned");
  CHECK(banned.at("bans").at(0) == json::parse(ask(g, "GET", "/bans/192.0.2.20").substr(4)));
  CHECK(ask(g, "GET", "/why/10.1.2.3").find(R"("whitelisted":"10.0.0.0/8 of the Sipfile")") !=
        std::string::npos);
  CHECK(ask(g, "GET", "/why/198.51.100.1").find(R"("protected":"the upstream")") != std::string::npos);
  CHECK(ask(g, "GET", "/why/10.0.0.0%2F8") == "400 {\"error\":\"'10.0.0.0/8' is no address\"}\n");
}

TEST_CASE("the whitelist is changed in these words") {
  GuardianHarness g;
  CHECK(ask(g, "POST", "/whitelist/192.0.2.0%2F24") == R"(201 {"entry":"192.0.2.0/24","source":"admin"})");
  CHECK(ask(g, "GET", "/whitelist") ==
        R"(200 {"whitelist":[{"entry":"192.0.2.0/24","source":"admin","networks":["192.0.2.0/24"]}]})");
  CHECK(ask(g, "DELETE", "/whitelist/192.0.2.0%2F24") == R"(200 {"removed":"192.0.2.0/24"})");
  CHECK(ask(g, "GET", "/whitelist") == R"(200 {"whitelist":[]})");
}

TEST_CASE("statistics are answered in these words") {
  GuardianHarness g("sip_guardian { validation { mode strict } }");
  scan(g, kTcp);
  g.passes(kTcp, g.next().request());
  g.passes(kUdp,
           "OPTIONS sip:100@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKx\r\n\r\n");
  CHECK(ask(g, "GET", "/stats") ==
        R"(200 {"total_requests":2,"blocked_requests":3,"active_bans":1,"enumeration_detections":0,)"
        R"("validation_failures":1,"rate_limited":0,"failures":1,"bans":1,"soft_blocks":0,)"
        R"("active_soft_blocks":0,"listeners":0,"top_bans":[{"ip":"192.0.2.20","hits":1}],)"
        R"("top_reasons":[{"reason":"scanner","bans":1}]})");
  const auto stats = json::parse(ask(g, "GET", "/validation/stats").substr(4)).as_object();
  CHECK(stats.at("results") == json::parse(R"({"valid":1,"rejected":1,"banned":0,"logged":0})"));
  CHECK(stats.at("violations").at("missing_from") == 1);
  CHECK(stats.at("violations").at("missing_via") == 0);
  CHECK(stats.at("top") == json::parse(R"([{"ip":"192.0.2.30","violations":1}])"));
}

TEST_CASE("the guardians of a server are listed under /guardian of the management API") {
  GuardianHarness g("sip_guardian main");
  g.add("sip_guardian inside");
  HttpRequest request;
  request.method = "GET";
  request.path = "/guardian";
  HttpResponse response;
  g.host.endpoints.run("management", request, response);
  CHECK(response.body == R"({"guardians":["inside","main"]})");
}

TEST_CASE("a hundred thousand bans are listed in pages, each once") {
  GuardianHarness g;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    auto ban = std::make_unique<Ban>(Scope::address, Cidr{Address::v4(0x0A000000U + i), 32}, 0, 0);
    ban->reason = i % 1'000 == 0 ? "rare" : "common";
    ban->automatic = false;
    g.instance->store().add(std::move(ban), std::chrono::hours(1));
  }
  std::size_t seen = 0;
  BanStore::Query query{std::nullopt, {}, 0, 1'000};
  for (BanStore::Page page;; query.after = page.next) {
    page = g.instance->store().list(query);
    CHECK(page.count == 100'000);
    seen += page.bans.size();
    if (page.next == 0) break;
  }
  CHECK(seen == 100'000);
  query = {std::nullopt, "rare", 0, 30};
  const auto rare = g.instance->store().list(query);
  CHECK(rare.count == 100);
  CHECK(rare.bans.size() == 30);
  CHECK(rare.next == rare.bans.back()->id);
  CHECK(g.instance->store().covering(*Address::parse("10.0.0.7")).size() == 1);
  CHECK(g.instance->store().all().size() == 100'000);
}

TEST_CASE("whoever listens gets decisions as server-sent events; too many listeners are turned away") {
  GuardianHarness g;
  const auto listen = [&](const std::string& last) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/events";
    if (!last.empty()) request.headers.emplace_back("Last-Event-ID", last);
    HttpResponse response;
    g.host.endpoints.run("sip_guardian/default", request, response);
    return response;
  };
  auto first = listen({});
  REQUIRE(first.stream);
  CHECK(first.content_type == "text/event-stream");
  scan(g, kTcp);
  std::string text;
  CHECK(first.stream->take(text));
  CHECK(text ==
        "retry: 3000\n\n"
        "id: 1576800000000-1\nevent: ban\ndata: "
        R"({"id":"1576800000000-1","event":"ban","ip":"192.0.2.20","reason":"scanner",)"
        R"("timestamp":"2019-12-20T00:00:00Z","expires_at":"2019-12-20T01:00:00Z",)"
        R"("details":{"guardian":"default","source":"guardian","scope":"address","evidence":"proven",)"
        R"("proof":"handshake"}})"
        "\n\n");
  std::vector<HttpResponse> others;
  for (std::size_t i = 1; i < EventFeed::kListeners; ++i) others.push_back(listen({}));
  CHECK(others.back().stream);
  CHECK(listen({}).status == 503);
  others.clear();
  CHECK(listen({}).stream);
}

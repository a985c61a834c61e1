#include "data_handlers.hpp"
#include "doubles.hpp"
#include "handle.hpp"
#include "handler_chain.hpp"
#include "sites.hpp"

using namespace sipward;
using namespace sipward::admin;
using admin::test::Call;
using admin::test::KeepingLogger;
using admin::test::request_for;
using admin::test::SiteText;
using Outcome = HttpHandler::Outcome;

namespace {

// The site's answer to a request, as "STATUS BODY".
class Site {
 public:
  explicit Site(std::vector<std::unique_ptr<HttpHandler>> handlers) {
    auto sites = std::make_shared<std::vector<HttpSite>>(1);
    sites->front().listen = {":2020"};
    sites->front().handlers = std::move(handlers);
    sites_ = std::make_unique<Sites>(sites);
  }
  explicit Site(const std::string& text) : Site(SiteText(text).take()) {}
  HttpResponse answer(HttpRequest request) const {
    return sites_->answer(":2020", request, log_, limit_, Time{});
  }
  std::string get(std::string path) const {
    const auto response = answer(request_for("GET", std::move(path)));
    return std::to_string(response.status) + " " + response.body;
  }
  std::string logged() const { return log_.text(); }

 private:
  std::unique_ptr<Sites> sites_;
  mutable KeepingLogger log_;
  mutable LogLimit limit_;
};

std::unique_ptr<HttpHandler> block(HandleBlock::Prefix prefix, const char* path,
                                   std::unique_ptr<HttpHandler> child) {
  std::vector<std::unique_ptr<HttpHandler>> children;
  children.push_back(std::move(child));
  return std::make_unique<HandleBlock>(prefix, std::vector{*PathPattern::parse(path)}, std::move(children));
}

HttpEndpoints endpoints_of_guardian() {
  HttpEndpoints endpoints;
  endpoints.add("sip_guardian/default",
                {"GET", "/bans", [](const HttpRequest& request, const auto&, HttpResponse& response) {
                   response.body = "bans at " + request.path;
                 }});
  endpoints.add("sip_guardian/default",
                {"POST", "/ban/{ip}", [](const HttpRequest&, const auto& captures, HttpResponse& response) {
                   response.status = 201;
                   response.body = captures.at(0);
                 }});
  return endpoints;
}

}  // namespace

TEST_CASE("of several handles the one that fits best runs, whatever their order") {
  const Site site(
      "handle { respond rest 404 }\n"
      "handle /api/* { respond api }\n"
      "handle /api/bans /other { respond bans }\n"
      "handle_path /files/* { handle /a { respond file-a } }\n"
      "handle /silent* { handle /elsewhere { respond x } }\n"
      "respond /silent after 202\n");
  struct Row {
    const char* path;
    const char* answer;
  };
  const Row rows[] = {
      {"/", "404 rest"},    {"/api/x", "200 api"}, {"/api/bans", "200 bans"},  {"/other", "200 bans"},
      {"/api", "404 rest"}, {"/API/X", "200 api"}, {"/files/a", "200 file-a"}, {"/silent", "202 after"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CHECK(site.get(row.path) == row.answer);
  }
  CHECK(site.get("/files/b") == "404 {\"error\":\"no such path\"}\n");
  CHECK(site.get("/silentx") == "404 {\"error\":\"no such path\"}\n");
}

TEST_CASE("respond answers what it was told") {
  const Site site(
      "respond /text hello\n"
      "respond /teapot 418\n"
      "respond /both \"not now\" 503\n"
      "respond /quoted \"204\"\n"
      "respond /json `{\"ok\":true}`\n"
      "respond /block {\n body inside\n status 201\n close\n}\n");
  CHECK(site.get("/text") == "200 hello");
  CHECK(site.get("/teapot") == "418 ");
  CHECK(site.get("/both") == "503 not now");
  CHECK(site.get("/quoted") == "200 204");
  CHECK(site.get("/block") == "201 inside");
  CHECK(site.answer(request_for("GET", "/text")).content_type == "text/plain; charset=utf-8");
  CHECK(site.answer(request_for("GET", "/json")).content_type == "application/json");
  CHECK(site.answer(request_for("GET", "/teapot")).content_type.empty());
  CHECK(site.answer(request_for("GET", "/block")).headers.size() == 1);
}

TEST_CASE("credentials below a handle guard it all the same") {
  const Site site(
      "handle /metrics { respond counted }\n"
      "bearer_auth first-token-0123456789\n");
  CHECK(site.answer(request_for("GET", "/metrics")).status == 401);
  auto request = request_for("GET", "/metrics");
  request.headers.emplace_back("Authorization", "Bearer first-token-0123456789");
  CHECK(site.answer(request).status == 200);
}

TEST_CASE("sip_guardian_admin serves its endpoints under the path of its handle") {
  const auto endpoints = endpoints_of_guardian();
  const auto guardian = [&] {
    auto handler = std::make_unique<GuardianAdmin>("default");
    handler->use(endpoints);
    return handler;
  };
  std::vector<std::unique_ptr<HttpHandler>> handlers;
  handlers.push_back(block(HandleBlock::Prefix::keep, "/api/sip-guardian/*", guardian()));
  handlers.push_back(block(HandleBlock::Prefix::strip, "/short/*", guardian()));
  handlers.push_back(block(HandleBlock::Prefix::keep, "/outer/*",
                           block(HandleBlock::Prefix::keep, "/outer/inner/*", guardian())));
  handlers.push_back(block(HandleBlock::Prefix::keep, "/other/*", std::make_unique<GuardianAdmin>("main")));
  const Site site(std::move(handlers));
  CHECK(site.get("/api/sip-guardian/bans") == "200 bans at /bans");
  CHECK(site.get("/short/bans") == "200 bans at /bans");
  CHECK(site.get("/outer/inner/bans") == "200 bans at /bans");
  CHECK(site.get("/api/sip-guardian/nothing").rfind("404 {\"error\"", 0) == 0);
  CHECK(site.get("/api/sip-guardian/").rfind("404 {\"error\"", 0) == 0);
  CHECK(site.get("/other/bans").rfind("404 {\"error\":\"there is no", 0) == 0);
  const auto wrong = site.answer(request_for("DELETE", "/api/sip-guardian/bans"));
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.at(0) == std::pair<std::string, std::string>("Allow", "GET, HEAD"));
  const auto banned = site.answer(request_for("POST", "/api/sip-guardian/ban/192.0.2.0%2F24"));
  CHECK(banned.status == 201);
  CHECK(banned.body == "192.0.2.0/24");
}

TEST_CASE("guardian data is for this machine, for credentials, or for all when the site says so") {
  const auto endpoints = endpoints_of_guardian();
  const Metrics metrics(1);
  const auto site = [&](const std::string& text) {
    auto handlers = SiteText(text).take();
    auto guardian = std::make_unique<GuardianAdmin>("default");
    guardian->use(endpoints);
    auto page = std::make_unique<MetricsPage>(*PathPattern::parse("/metrics"));
    page->use(metrics);
    handlers.push_back(std::move(page));
    handlers.push_back(std::move(guardian));
    return Site(std::move(handlers));
  };
  const auto status = [](const Site& s, const char* client, const char* path,
                         const char* authorization = "") {
    auto request = request_for("GET", path, client);
    request.headers.emplace_back("Authorization", authorization);
    return s.answer(request).status;
  };
  const auto plain = site("");
  const auto open = site("allow_unauthenticated");
  const auto guarded = site("bearer_auth first-token-0123456789");
  for (const char* path : {"/bans", "/metrics"}) {
    CAPTURE(path);
    CHECK(status(plain, "127.0.0.1", path) == 200);
    CHECK(status(plain, "::1", path) == 200);
    CHECK(status(plain, "192.0.2.1", path) == 403);
    CHECK(status(plain, "2001:db8::1", path) == 403);
    CHECK(status(open, "192.0.2.1", path) == 200);
    CHECK(status(guarded, "127.0.0.1", path) == 401);
    CHECK(status(guarded, "192.0.2.1", path, "Bearer first-token-0123456789") == 200);
  }
  // An opened handle does not open what stands behind it.
  const auto partly = site("handle /public* { allow_unauthenticated }");
  CHECK(status(partly, "192.0.2.1", "/publicity") == 403);
}

TEST_CASE("metrics are read, not written") {
  Metrics metrics(1);
  metrics.counter("sip_guardian_blocked_total", "Blocked.").add(0, 0, 7);
  auto page = std::make_unique<MetricsPage>(std::nullopt);
  page->use(metrics);
  std::vector<std::unique_ptr<HttpHandler>> handlers;
  handlers.push_back(std::move(page));
  const Site site(std::move(handlers));
  const auto response = site.answer(request_for("GET", "/metrics"));
  CHECK(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(response.body.find("\nsip_guardian_blocked_total 7\n") != std::string::npos);
  CHECK(response.body.find("\nsipward_build_info{version=\"") != std::string::npos);
  CHECK(site.answer(request_for("POST", "/metrics")).status == 405);
}

TEST_CASE("a handler that throws is answered with 500 and logged") {
  std::vector<std::unique_ptr<HttpHandler>> handlers;
  handlers.push_back(std::make_unique<Call>(
      [](HttpRequest&, HttpResponse&) -> Outcome { throw std::runtime_error("broken"); }));
  const Site site(std::move(handlers));
  CHECK(site.get("/x").rfind("500 {\"error\"", 0) == 0);
  CHECK(site.logged().find("error=broken") != std::string::npos);
  CHECK(site.logged().find("path=/x") != std::string::npos);
}

TEST_CASE("mistakes in a site are told") {
  struct Row {
    const char* text;
    const char* says;
  };
  const Row rows[] = {
      {"handle api { respond x }", "path"},
      {"handle /a*b { respond x }", "path"},
      {"handle_path { respond x }", "path"},
      {"handle /x { nonsense }", "unknown HTTP handler 'nonsense'"},
      {"respond x 99", "status"},
      {"metrics here", "path"},
      {"sip_guardian_admin a b", "'b'"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto problems = SiteText(row.text).problems();
    CAPTURE(problems);
    CHECK(problems.find(row.says) != std::string::npos);
  }
}

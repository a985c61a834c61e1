#include "management/management.hpp"

#include <catch2/catch.hpp>

#include "management/replies.hpp"
#include "sipward/testing/fake_clock.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;
namespace json = boost::json;
using What = LoadResult::What;

namespace {

// A server that keeps what it was given, and runs its control thread's tasks when told to.
struct FakeServer final : ManagedServer {
  std::shared_ptr<const Running> now = std::make_shared<const Running>(
      Running{{{"global", json::object()}, {"servers", json::array{"a", "b"}}}, {}});
  ModuleHost host;
  std::vector<std::function<void()>> tasks;
  std::vector<std::string> calls;
  What next = What::changed;

  std::shared_ptr<const Running> running() const override { return now; }
  const ModuleHost& modules() const override { return host; }
  std::filesystem::path sipfile() const override { return "/etc/sipward/Sipfile"; }
  void on_control(std::function<void()> task) override { tasks.push_back(std::move(task)); }
  LoadResult load(const ConfigText& text, bool force) override {
    calls.push_back((text.form == ConfigText::Form::json ? "json " : "sipfile ") + text.text +
                    (force ? " forced" : ""));
    return result();
  }
  LoadResult reread(bool force) override {
    calls.emplace_back(force ? "reread forced" : "reread");
    return result();
  }
  LoadResult adapt(const ConfigText&, json::object& config) override {
    config = {{"adapted", true}};
    return result();
  }
  void stop() override { calls.emplace_back("stop"); }
  LoadResult result() const {
    if (next != What::refused) return {next, "", {}};
    return {next, "Sipfile:1:1: no\nSipfile:2:1: never\n", {"no", "never"}};
  }
};

struct Desk {
  FakeServer server;
  FakeClock clock;
  HttpEndpoints endpoints;
  std::unique_ptr<Management> api;

  explicit Desk(const char* admin = "127.0.0.1:2019") {
    api = std::make_unique<Management>(server, *config::parse_listen(admin));
    endpoints.add("management/guardian/default", {"GET", "/bans/{ip}",
                                                  [](const HttpRequest&, const std::vector<std::string>& c,
                                                     HttpResponse& r) { r.body = "banned " + c.at(0); }});
    api->use(clock, endpoints);
  }
  HttpRequest request(std::string method, std::string path, std::string body = {}) const {
    HttpRequest r;
    r.method = std::move(method);
    r.path = std::move(path);
    r.body = std::move(body);
    r.client = *Endpoint::parse("127.0.0.1:40000");
    r.headers = {{"Host", "localhost:2019"}};
    return r;
  }
  HttpResponse ask(HttpRequest request, Duration delay = {}) {
    HttpResponse response;
    CHECK(api->handle(request, response) == HttpHandler::Outcome::answered);
    if (!response.later) return response;
    std::optional<HttpResponse> made;
    response.later([&](HttpResponse r) { made = std::move(r); });
    clock.advance(delay);
    for (const auto& task : std::exchange(server.tasks, {})) task();
    REQUIRE(made);
    return *made;
  }
  HttpResponse ask(std::string method, std::string path, std::string body = {}) {
    return ask(request(std::move(method), std::move(path), std::move(body)));
  }
};

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("the configuration is read by path, with an ETag that changes with it") {
  Desk desk;
  const auto whole = desk.ask("GET", "/config/");
  CHECK(whole.status == 200);
  CHECK(json::parse(whole.body) == json::value(desk.server.now->config));
  const auto part = desk.ask("GET", "/config/servers/1");
  CHECK(part.body == "\"b\"\n");
  CHECK(header(part, "ETag").starts_with("\"/config/servers/1 "));
  CHECK(header(desk.ask("GET", "/config/servers/1/"), "ETag") == header(part, "ETag"));
  CHECK(desk.ask("HEAD", "/config/servers").status == 200);
  CHECK(desk.ask("GET", "/config/servers/2").status == 404);
  CHECK(desk.ask("GET", "/config/%zz").status == 400);
  desk.server.now = std::make_shared<const Running>(Running{{{"servers", json::array{"a", "c"}}}, {}});
  CHECK(header(desk.ask("GET", "/config/servers/1"), "ETag") != header(part, "ETag"));
}

TEST_CASE("a change loads the whole configuration with it, as JSON, on the control thread") {
  Desk desk;
  auto request = desk.request("POST", "/config/servers", "\"c\"");
  HttpResponse response;
  desk.api->handle(request, response);
  CHECK(desk.server.calls.empty());
  CHECK(response.later);
  CHECK(desk.ask("POST", "/config/servers", "\"c\"").status == 200);
  CHECK(desk.server.calls == std::vector<std::string>{R"(json {"global":{},"servers":["a","b","c"]})"});
  CHECK(desk.ask("DELETE", "/config/servers/0").status == 200);
  CHECK(desk.server.calls.back() == R"(json {"global":{},"servers":["b"]})");
  desk.server.calls.clear();
  CHECK(desk.ask("PATCH", "/config/none", "1").status == 404);
  CHECK(desk.ask("PUT", "/config/global", "1").status == 409);
  CHECK(desk.ask("POST", "/config/global", "{").status == 400);
  auto text = desk.request("POST", "/config/global", "{}");
  text.headers.emplace_back("Content-Type", "text/plain");
  CHECK(desk.ask(text).status == 415);
  CHECK(desk.server.calls.empty());
}

TEST_CASE("a change that expects another configuration than the present one is refused") {
  Desk desk;
  const auto tag = header(desk.ask("GET", "/config/servers"), "ETag");
  const auto change = [&](const std::string& expected) {
    auto request = desk.request("POST", "/config/global/workers", "2");
    request.headers.emplace_back("If-Match", expected);
    return desk.ask(request).status;
  };
  CHECK(change(tag) == 200);
  CHECK(change("*") == 200);
  desk.server.now = std::make_shared<const Running>(
      Running{{{"global", json::object()}, {"servers", json::array{"a"}}}, {}});
  CHECK(change(tag) == 412);
  CHECK(change("\"/config/none 0123456789abcdef\"") == 412);
  for (const char* wrong : {"x", "\"x\"", "\"/other 0\"", "\" \""}) CHECK(change(wrong) == 400);
  CHECK(desk.server.calls.size() == 2);
}

TEST_CASE("a whole configuration is loaded by its type, an empty body reads the server's own file again") {
  Desk desk;
  const auto load = [&](std::string type, std::string body, const char* path = "/load") {
    auto request = desk.request("POST", path, std::move(body));
    if (!type.empty()) request.headers.emplace_back("Content-Type", std::move(type));
    return desk.ask(request);
  };
  CHECK(load("text/sipfile", "udp/:5060 {}").status == 200);
  CHECK(load("Application/JSON; charset=utf-8", "{}").status == 200);
  CHECK(load("", "{}").status == 200);
  CHECK(load("", "").status == 200);
  CHECK(desk.server.calls ==
        std::vector<std::string>{"sipfile udp/:5060 {}", "json {}", "json {}", "reread"});
  CHECK(load("image/png", "{}").status == 415);
  auto forced = desk.request("POST", "/load", "{}");
  forced.headers.emplace_back("Cache-Control", "must-revalidate");
  desk.ask(forced);
  CHECK(desk.server.calls.back() == "json {} forced");
  desk.server.next = What::unchanged;
  CHECK(json::parse(load("", "{}").body).at("result") == "unchanged");
  CHECK(json::parse(load("text/sipfile", "x", "/adapt").body).at("result").at("adapted") == true);
  desk.server.next = What::refused;
  for (const char* path : {"/load", "/adapt"}) {
    const auto refused = load("", "{}", path);
    CHECK(refused.status == 400);
    CHECK(json::parse(refused.body).at("error").as_string().find("never") != json::string::npos);
    CHECK(json::parse(refused.body).at("problems").as_array().size() == 2);
  }
}

TEST_CASE("what the control thread comes to too late is not begun") {
  Desk desk;
  CHECK(desk.ask(desk.request("POST", "/load", "{}"), Management::kPatience).status == 200);
  CHECK(desk.ask(desk.request("POST", "/load", "{}"), Management::kPatience + 1ms).status == 503);
  CHECK(desk.server.calls.size() == 1);
}

TEST_CASE("the rest: who it is, modules, upstreams, stop, and what modules contribute") {
  Desk desk;
  CHECK(json::parse(desk.ask("GET", "/").body).at("sipfile") == "/etc/sipward/Sipfile");
  CHECK(json::parse(desk.ask("GET", "/modules").body).at("modules").as_array().empty());
  CHECK(json::parse(desk.ask("GET", "/upstreams").body).at("upstreams").as_array().empty());
  CHECK(desk.ask("GET", "/guardian/default/bans/192.0.2.1").body == "banned 192.0.2.1");
  CHECK(desk.ask("POST", "/stop").status == 200);
  CHECK(desk.server.calls == std::vector<std::string>{"stop"});
}

TEST_CASE("unknown paths, wrong methods and large bodies are told apart") {
  Desk desk;
  for (const char* path : {"/none", "/load/x", "/guardian/other/bans", "/guardian/default/none", "/guardian"})
    CHECK(desk.ask("GET", path).status == 404);
  for (const char* path : {"/load", "/adapt", "/stop"}) {
    CHECK(desk.ask("GET", path).status == 405);
    CHECK(header(desk.ask("GET", path), "Allow") == "POST");
  }
  CHECK(desk.ask("DELETE", "/modules").status == 405);
  CHECK(desk.ask("POST", "/upstreams").status == 405);
  CHECK(desk.ask("BREW", "/config/").status == 405);
  CHECK(desk.ask("POST", "/stop", std::string(std::size_t{65} * 1024, ' ')).status == 413);
  CHECK(desk.ask("POST", "/load", std::string(std::size_t{65} * 1024, ' ')).status == 200);
}

TEST_CASE("web pages, made-up names and strangers are refused") {
  struct Case {
    const char* admin;
    const char* client;
    std::vector<std::pair<std::string, std::string>> headers;
    bool allowed;
  };
  const Case cases[] = {
      {"127.0.0.1:2019", "127.0.0.1:4000", {{"Host", "127.0.0.1:2019"}}, true},
      {"127.0.0.1:2019",
       "127.0.0.1:4000",
       {{"Host", "localhost:2019"}, {"Origin", "http://localhost:2019"}},
       true},
      {"127.0.0.1:2019",
       "127.0.0.1:4000",
       {{"Host", "localhost:2019"}, {"Origin", "http://evil.example"}},
       false},
      {"127.0.0.1:2019", "127.0.0.1:4000", {{"Host", "localhost:2019"}, {"Origin", "null"}}, false},
      {"127.0.0.1:2019", "127.0.0.1:4000", {{"Host", "evil.example:2019"}}, false},
      {":2019", "127.0.0.1:4000", {{"Host", "localhost:2019"}}, true},
      {":2019", "192.0.2.7:4000", {{"Host", "198.51.100.1:2019"}}, false},
      {"0.0.0.0:2019", "192.0.2.7:4000", {{"Host", "198.51.100.1:2019"}}, false},
      {"198.51.100.1:2019", "192.0.2.7:4000", {{"Host", "198.51.100.1:2019"}}, true},
      {"198.51.100.1:2019", "192.0.2.7:4000", {{"Host", "evil.example:2019"}}, false},
      {"198.51.100.1:2019",
       "192.0.2.7:4000",
       {{"Host", "198.51.100.1:2019"}, {"Origin", "http://evil.example"}},
       false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.admin, c.client, c.headers);
    Desk desk(c.admin);
    auto request = desk.request("POST", "/stop");
    request.client = *Endpoint::parse(c.client);
    request.headers = c.headers;
    CHECK(desk.ask(request).status == (c.allowed ? 200 : 403));
    CHECK(desk.server.calls.size() == (c.allowed ? 1 : 0));
  }
}

TEST_CASE("a path is cut into decoded steps") {
  const auto steps = [](std::string_view path) {
    std::vector<std::string> out;
    REQUIRE(split_path(path, out));
    return out;
  };
  CHECK(steps("/").empty());
  CHECK(steps("/a/b/") == std::vector<std::string>{"a", "b"});
  CHECK(steps("/a%2Fb//c") == std::vector<std::string>{"a/b", "", "c"});
  std::vector<std::string> out;
  CHECK_FALSE(split_path("/%2", out));
}

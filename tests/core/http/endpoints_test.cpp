#include <catch2/catch.hpp>

#include "sipward/http.hpp"

namespace {

using sipward::HttpEndpoints;
using sipward::HttpRequest;
using sipward::HttpResponse;

void add(HttpEndpoints& endpoints, const char* method, const char* pattern, const char* name) {
  endpoints.add("sip_guardian/default", {method, pattern,
                                         [name](const HttpRequest&, const std::vector<std::string>& captures,
                                                HttpResponse& response) {
                                           response.body = name;
                                           for (const auto& capture : captures)
                                             response.body += " " + capture;
                                         }});
}

HttpEndpoints guardian_like() {
  HttpEndpoints endpoints;
  add(endpoints, "GET", "/bans", "list");
  add(endpoints, "GET", "/bans/{ip}", "one");
  add(endpoints, "GET", "/bans/all", "literal");
  add(endpoints, "POST", "/ban/{ip}", "ban");
  add(endpoints, "POST", "/whitelist/{entry}", "add");
  add(endpoints, "DELETE", "/whitelist/{entry}", "remove");
  return endpoints;
}

HttpResponse run(const HttpEndpoints& endpoints, const char* method, const char* path,
                 const char* group = "sip_guardian/default") {
  HttpRequest request;
  request.method = method;
  request.path = path;
  HttpResponse response;
  endpoints.run(group, request, response);
  return response;
}

}  // namespace

TEST_CASE("a request reaches the endpoint of its method and path") {
  const auto endpoints = guardian_like();
  struct Row {
    const char* method;
    const char* path;
    unsigned status;
    const char* body;  // of a 200
  };
  const Row rows[] = {
      {"GET", "/bans", 200, "list"},
      {"HEAD", "/bans", 200, "list"},
      {"GET", "/bans/192.0.2.1", 200, "one 192.0.2.1"},
      {"GET", "/bans/all", 200, "literal"},
      {"POST", "/ban/192.0.2.0%2F24", 200, "ban 192.0.2.0/24"},
      {"POST", "/ban/2001:db8::1", 200, "ban 2001:db8::1"},
      {"GET", "/bans/", 404, ""},
      {"GET", "/", 404, ""},
      {"GET", "", 404, ""},
      {"GET", "/bans/a/b", 404, ""},
      {"GET", "/Bans", 404, ""},
      {"GET", "//bans", 404, ""},
      {"DELETE", "/bans", 405, ""},
      {"get", "/bans", 405, ""},
      {"GET", "/ban/192.0.2.1", 405, ""},
      {"GET", "/bans/%4", 400, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.method, row.path);
    const auto response = run(endpoints, row.method, row.path);
    CHECK(response.status == row.status);
    if (row.status == 200) {
      CHECK(response.body == row.body);
    } else {
      CHECK(response.body.rfind("{\"error\":\"", 0) == 0);
    }
  }
}

TEST_CASE("a wrong method is answered with all that the path takes") {
  const auto endpoints = guardian_like();
  const auto allow = [&](const char* path) {
    const auto response = run(endpoints, "PATCH", path);
    REQUIRE(response.headers.size() == 1);
    CHECK(response.headers[0].first == "Allow");
    return response.headers[0].second;
  };
  CHECK(allow("/bans") == "GET, HEAD");
  CHECK(allow("/ban/192.0.2.1") == "POST");
  CHECK(allow("/whitelist/x") == "DELETE, POST");
}

TEST_CASE("groups do not see each other") {
  const auto endpoints = guardian_like();
  CHECK(endpoints.has("sip_guardian/default"));
  CHECK_FALSE(endpoints.has("sip_guardian/main"));
  CHECK(run(endpoints, "GET", "/bans", "sip_guardian/main").status == 404);
}

TEST_CASE("an endpoint that is added twice runs once and stays the first") {
  auto endpoints = guardian_like();
  add(endpoints, "GET", "/bans", "second");
  CHECK(run(endpoints, "GET", "/bans").body == "list");
}

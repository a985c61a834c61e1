#include <catch2/catch.hpp>

#include "sipward/http.hpp"

using namespace sipward;

namespace {

HttpRequest request_for(std::string method, std::string path, const char* client) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.client = {*Address::parse(client), 40000};
  return request;
}

struct Row {
  const char* why;
  const char* client;
  const char* method;
  std::vector<std::pair<std::string, std::string>> headers;
  bool authenticated;
  bool open_to_all;
  bool allowed;
};

}  // namespace

TEST_CASE("without credentials only a program on this machine is answered") {
  const Row rows[] = {
      {"curl here", "127.0.0.1", "POST", {{"Host", "localhost:2020"}}, false, false, true},
      {"curl here by address", "127.0.0.1", "GET", {{"Host", "127.0.0.1:2020"}}, false, false, true},
      {"curl here by IPv6", "::1", "DELETE", {{"Host", "[::1]:2020"}}, false, false, true},
      {"another loopback address", "127.9.9.9", "GET", {{"Host", "LocalHost"}}, false, false, true},
      {"from elsewhere", "192.0.2.1", "GET", {{"Host", "localhost"}}, false, false, false},
      {"from elsewhere by IPv6", "2001:db8::1", "GET", {{"Host", "localhost"}}, false, false, false},
      {"no host", "127.0.0.1", "GET", {}, false, false, false},
      {"a name made to point here", "127.0.0.1", "GET", {{"Host", "evil.example:2020"}}, false, false, false},
      {"a name that looks local",
       "127.0.0.1",
       "GET",
       {{"Host", "localhost.evil.example"}},
       false,
       false,
       false},
      {"a broken host", "127.0.0.1", "GET", {{"Host", "localhost:x"}}, false, false, false},
      {"a broken bracket", "127.0.0.1", "GET", {{"Host", "[::1]evil"}}, false, false, false},
      {"a page of another site",
       "127.0.0.1",
       "POST",
       {{"Host", "localhost:2020"}, {"Origin", "http://evil.example"}},
       false,
       false,
       false},
      {"a page without an origin",
       "127.0.0.1",
       "POST",
       {{"Host", "localhost:2020"}, {"Origin", "null"}},
       false,
       false,
       false},
      {"a page of another port",
       "127.0.0.1",
       "POST",
       {{"Host", "localhost:2020"}, {"Origin", "http://localhost:8080"}},
       false,
       false,
       false},
      {"a second origin behind a good one",
       "127.0.0.1",
       "POST",
       {{"Host", "localhost:2020"}, {"Origin", "http://localhost:2020"}, {"Origin", "http://evil.example"}},
       false,
       false,
       false},
      {"an image in another page",
       "127.0.0.1",
       "GET",
       {{"Host", "localhost:2020"}, {"Sec-Fetch-Site", "cross-site"}},
       false,
       false,
       false},
      {"its own page",
       "127.0.0.1",
       "POST",
       {{"Host", "localhost:2020"}, {"Origin", "http://localhost:2020"}, {"Sec-Fetch-Site", "same-origin"}},
       false,
       false,
       true},
      {"typed into the browser",
       "127.0.0.1",
       "GET",
       {{"Host", "localhost:2020"}, {"Sec-Fetch-Site", "none"}},
       false,
       false,
       true},
      {"a proxy here",
       "127.0.0.1",
       "GET",
       {{"Host", "localhost"}, {"x-forwarded-for", "192.0.2.1"}},
       false,
       false,
       false},
      {"a proxy here, other header",
       "127.0.0.1",
       "GET",
       {{"Host", "localhost"}, {"Forwarded", "for=x"}},
       false,
       false,
       false},
      {"authenticated from elsewhere", "192.0.2.1", "POST", {{"Host", "pbx.example"}}, true, false, true},
      {"authenticated page of another site",
       "192.0.2.1",
       "POST",
       {{"Host", "pbx.example"}, {"Origin", "http://evil.example"}},
       true,
       false,
       false},
      {"authenticated reading by another site",
       "192.0.2.1",
       "GET",
       {{"Host", "pbx.example"}, {"Origin", "http://grafana.example"}},
       true,
       false,
       true},
      {"open, from elsewhere", "192.0.2.1", "POST", {{"Host", "pbx.example"}}, false, true, true},
      {"open, a page of another site",
       "192.0.2.1",
       "POST",
       {{"Host", "pbx.example"}, {"Origin", "http://evil.example"}},
       false,
       true,
       false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto request = request_for(row.method, "/bans", row.client);
    request.headers = row.headers;
    request.authenticated = row.authenticated;
    request.open_to_all = row.open_to_all;
    CHECK(access_refusal(request).empty() == row.allowed);
  }
}

TEST_CASE("the host is cut out of an authority") {
  CHECK(host_of("localhost") == "localhost");
  CHECK(host_of("localhost:2020") == "localhost");
  CHECK(host_of("[2001:db8::1]:2020") == "2001:db8::1");
  CHECK(host_of("").empty());
  CHECK(host_of("[::1").empty());
  CHECK(host_of("a:b").empty());
}

#include <catch2/catch.hpp>

#include "sipward/http.hpp"

using sipward::HttpRequest;
using sipward::HttpResponse;
using sipward::percent_decode;

TEST_CASE("percent escapes are decoded, and broken ones are refused") {
  struct Row {
    const char* text;
    bool fine;
    std::string decoded;
  };
  const Row rows[] = {
      {"plain", true, "plain"},
      {"192.0.2.0%2F24", true, "192.0.2.0/24"},
      {"%e2%82%ac", true, "\xE2\x82\xAC"},
      {"%00", true, std::string(1, '\0')},
      {"", true, ""},
      {"%", false, ""},
      {"%2", false, ""},
      {"%2g", false, ""},
      {"100%", false, ""},
      {"%%20", false, ""},
  };
  for (const auto& row : rows) {
    std::string out = "left over";
    CAPTURE(row.text);
    CHECK(percent_decode(row.text, out) == row.fine);
    if (row.fine) CHECK(out == row.decoded);
  }
}

TEST_CASE("a header is found by its name in any case, the first one first") {
  HttpRequest request;
  request.headers = {{"Host", "localhost"}, {"X-Twice", "one"}, {"x-twice", "two"}};
  CHECK(request.header("host") == "localhost");
  CHECK(request.header("X-TWICE") == "one");
  CHECK(request.header("X-None").empty());
}

TEST_CASE("a query parameter is told apart from one that is not there") {
  HttpRequest request;
  request.query = "ip=192.0.2.1&reason=null+bytes%21&empty=&bare&ip=192.0.2.2&&broken=%zz";
  const auto value = [&](const char* name) {
    bool found = false;
    auto text = request.parameter(name, &found);
    return found ? text : std::string("(none)");
  };
  CHECK(value("ip") == "192.0.2.1");
  CHECK(value("reason") == "null bytes!");
  CHECK(value("empty").empty());
  CHECK(value("bare").empty());
  CHECK(value("broken") == "%zz");
  CHECK(value("limit") == "(none)");
  CHECK(request.parameter("ip") == "192.0.2.1");
}

TEST_CASE("an error is JSON whatever its message holds") {
  const auto response = HttpResponse::error(404, "no \"x\"\n\xFF");
  CHECK(response.status == 404);
  CHECK(response.content_type == "application/json");
  CHECK(response.body == "{\"error\":\"no \\\"x\\\"\\n\\ufffd\"}\n");
}

#include "target.hpp"

#include <catch2/catch.hpp>

#include "path_pattern.hpp"

using sipward::admin::parse_target;
using sipward::admin::PathPattern;
using sipward::admin::Target;

TEST_CASE("every spelling of a path comes to one form, and what is no path is refused") {
  struct Row {
    const char* text;
    const char* path;  // nullptr: refused
    const char* query;
    const char* host;
  };
  const Row rows[] = {
      {"/", "/", "", ""},
      {"/metrics", "/metrics", "", ""},
      {"/%6Detrics", "/metrics", "", ""},
      {"/ban/192.0.2.0%2f24", "/ban/192.0.2.0%2F24", "", ""},
      {"/a/./b/../c", "/a/c", "", ""},
      {"/a/%2e%2E/secret", "/secret", "", ""},
      {"/../../x", "/x", "", ""},
      {"/a/b/..", "/a/", "", ""},
      {"/a//b", "/a//b", "", ""},
      {"/bans?ip=192.0.2.1&x=%20", "/bans", "ip=192.0.2.1&x=%20", ""},
      {"/bans??", "/bans", "?", ""},
      {"http://localhost:2020/bans?a", "/bans", "a", "localhost:2020"},
      {"http://localhost", "/", "", "localhost"},
      {"", nullptr, "", ""},
      {"bans", nullptr, "", ""},
      {"*", nullptr, "", ""},
      {"localhost:2020", nullptr, "", ""},
      {"http://user@localhost/", nullptr, "", ""},
      {"http:///x", nullptr, "", ""},
      {"/%", nullptr, "", ""},
      {"/%zz", nullptr, "", ""},
      {"/a%00b", nullptr, "", ""},
      {"/a?b=%", nullptr, "", ""},
      {"/a b", nullptr, "", ""},
      {"/a#b", nullptr, "", ""},
      {"/\xC3\xA9", nullptr, "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    Target target;
    const bool fine = parse_target(row.text, target);
    CHECK(fine == (row.path != nullptr));
    if (!fine || !row.path) continue;
    CHECK(target.path == row.path);
    CHECK(target.query == row.query);
    CHECK(target.host == row.host);
  }
}

TEST_CASE("a path pattern takes its star only at the end") {
  for (const char* text : {"", "api", "/a*b", "*/x", "**", "/a**"}) {
    CAPTURE(text);
    CHECK_FALSE(PathPattern::parse(text));
  }
  struct Row {
    const char* pattern;
    const char* path;
    bool matches;
    std::size_t mount;
  };
  const Row rows[] = {
      {"/metrics", "/metrics", true, 8},
      {"/metrics", "/METRICS", true, 8},
      {"/metrics", "/metrics/", false, 8},
      {"/metrics", "/metric", false, 8},
      {"/api/*", "/api/bans", true, 4},
      {"/api/*", "/api/", true, 4},
      {"/api/*", "/api", false, 4},
      {"/api*", "/apix", true, 4},
      {"*", "/", true, 0},
      {"/*", "/anything", true, 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.pattern, row.path);
    const auto pattern = PathPattern::parse(row.pattern);
    REQUIRE(pattern);
    CHECK(pattern->matches(row.path) == row.matches);
    CHECK(pattern->mount() == row.mount);
  }
  CHECK(PathPattern::parse("/api/bans")->rank() > PathPattern::parse("/api/*")->rank());
  CHECK(PathPattern::parse("/api")->rank() > PathPattern::parse("/api*")->rank());
}

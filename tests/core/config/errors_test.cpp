#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "sipward/config/errors.hpp"

using namespace sipward::config;

namespace {

Position at(const std::shared_ptr<const Source>& source, unsigned line, unsigned column) {
  return {source, nullptr, line, column};
}

std::shared_ptr<const Source> source(std::string file, std::string text, unsigned number = 0) {
  return std::make_shared<Source>(Source{std::move(file), std::move(text), number});
}

}  // namespace

TEST_CASE("a message shows its line, a caret, what was meant and where it was imported") {
  const auto main = source("Sipfile", "import x\n");
  const auto file = source("x", "a\n\tban_tiem 1h\n", 1);
  auto position = at(file, 2, 2);
  position.via = std::make_shared<Position>(at(main, 1, 1));
  Errors errors;
  errors.add(position, "unknown option 'ban_tiem'", "ban_time");
  CHECK(errors.to_string() ==
        "x:2:2: unknown option 'ban_tiem'\n    ban_tiem 1h\n    ^\n  did you mean 'ban_time'?\n  imported at "
        "Sipfile:1:1\n");
}

TEST_CASE("messages are sorted by file, line and column, and said once") {
  const auto first = source("z", "one two\nthree\n");
  const auto second = source("a", "four\n", 1);
  Errors errors;
  errors.add(at(second, 1, 1), "d");
  errors.warn(at(first, 2, 1), "c");
  errors.add(at(first, 1, 5), "b");
  errors.add(at(first, 1, 1), "a");
  errors.add(at(first, 1, 5), "b");
  std::string order;
  for (const auto& diagnostic : errors.sorted()) order += diagnostic.message;
  CHECK(order == "abcd");
}

TEST_CASE("warnings and features that are not active yet are no errors") {
  const auto file = source("Sipfile", "geoip_db x\n");
  Errors errors;
  errors.warn(at(file, 1, 1), "odd");
  errors.not_active(at(file, 1, 1), "geoip_db");
  CHECK(errors.ok());
  CHECK_FALSE(errors.empty());
  CHECK(errors.count(Severity::warning) == 1);
  CHECK(errors.count(Severity::not_active) == 1);
  CHECK_NOTHROW(errors.throw_if_any());
  CHECK(errors.to_string() ==
        "Sipfile:1:1: warning: odd\n    geoip_db x\n    ^\nSipfile:1:1: note: geoip_db is not active yet\n   "
        " geoip_db x\n    ^\n");
  errors.add({}, "no place");
  CHECK_THROWS_AS(errors.throw_if_any(), ConfigError);
  CHECK(to_string(Diagnostic{Severity::error, {}, "no place", {}}) == "no place\n");
}

TEST_CASE("no control character of a file reaches the terminal, and long lines are cut around the place") {
  const auto evil = source("Sipfile", "a\x1b[31mred \x7f b\n");
  Errors errors;
  errors.add(at(evil, 1, 2), "x");
  CHECK(errors.to_string() == "Sipfile:1:2: x\n    a?[31mred ? b\n     ^\n");
  CHECK(quote("a\x1b") == "'a?'");
  CHECK(quote(std::string(79, 'a') + "ü") == "'" + std::string(79, 'a') + "…'");

  const auto endless = source("Sipfile", std::string(100000, 'x') + "\n");
  Errors one;
  one.add(at(endless, 1, 50000), "x");
  CHECK(one.to_string().size() < 400);
}

TEST_CASE("a flood of warnings does not hide an error") {
  const auto file = source("Sipfile", "x\n");
  Errors errors;
  for (unsigned i = 0; i < 2000; ++i) errors.warn(at(file, 1, i), "w");
  errors.add(at(file, 1, 1), "the error");
  CHECK(errors.to_string().find("the error") != std::string::npos);
  CHECK(errors.to_string().find("and 1500 more") != std::string::npos);
}

TEST_CASE("the nearest word is suggested only when it is near") {
  const std::vector<std::string> words = {"max_failures", "find_time", "ban_time"};
  CHECK(closest("max_failurs", words) == "max_failures");
  CHECK(closest("ban_tiem", words) == "ban_time");
  CHECK(closest("bantime", words) == "ban_time");
  CHECK(closest("whitelist", words).empty());
  CHECK(closest("x", words).empty());
  CHECK(closest(std::string(100000, 'a'), words).empty());
}

TEST_CASE("messages are given as JSON for tools") {
  const auto file = source("Sipfile", "a\n");
  Errors errors;
  auto position = at(file, 1, 1);
  position.via = std::make_shared<Position>(at(file, 9, 2));
  errors.add(position, "wrong", "right");
  CHECK(boost::json::serialize(errors.to_json()) ==
        R"([{"severity":"error","file":"Sipfile","line":1,"column":1,"message":"wrong","suggestion":"right",)"
        R"("imported_at":["Sipfile:9:2"]}])");
}

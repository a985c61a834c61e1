#include "cli/arguments.hpp"

#include <catch2/catch.hpp>
#include <fstream>

using namespace sipward::cli;

namespace {

const std::vector<Flag> kKnown{{"config", true}, {"json", false}};

std::optional<Arguments> parse(std::vector<std::string> words, std::string& problem) {
  return parse_arguments(words, kKnown, problem);
}

}  // namespace

TEST_CASE("flags and words are told apart") {
  std::string problem;
  for (const auto& words : {std::vector<std::string>{"a", "--config", "b", "--json", "-"},
                            {"--config=b", "a", "-json", "-"},
                            {"-c", "b", "a", "-", "-j"}}) {
    const auto arguments = parse(words, problem);
    REQUIRE(arguments);
    CHECK(arguments->words == std::vector<std::string>{"a", "-"});
    CHECK(arguments->flags.at("config") == "b");
    CHECK(arguments->has("json"));
    CHECK_FALSE(arguments->has("help"));
  }
  CHECK(parse({"--config=a=b"}, problem)->flags.at("config") == "a=b");
  CHECK(parse({}, problem)->words.empty());
}

TEST_CASE("what is wrong with flags is said") {
  for (const auto& [words, says] : {std::pair{std::vector<std::string>{"--colour"}, "unknown flag --colour"},
                                    {{"-x"}, "unknown flag -x"},
                                    {{"--config"}, "--config wants a value"},
                                    {{"--json=1"}, "--json takes no value"},
                                    {{"--"}, "unknown flag --"}}) {
    std::string problem;
    CHECK_FALSE(parse(words, problem));
    CHECK(problem == says);
  }
}

TEST_CASE("which Sipfile is meant") {
  std::string problem;
  CHECK(choose_sipfile({{{"config", "a"}}, {}}, problem) == "a");
  CHECK(choose_sipfile({{}, {"b"}}, problem) == "b");
  CHECK_FALSE(choose_sipfile({{{"config", "a"}}, {"b"}}, problem));
  CHECK_FALSE(choose_sipfile({{}, {"a", "b"}}, problem));
  CHECK_FALSE(problem.empty());
}

#include <unistd.h>

#include <catch2/catch.hpp>

#include "runtime/server.hpp"

using namespace sipward;

namespace {

config::Environment with(std::map<std::string, std::string> variables) {
  config::Environment environment;
  environment.variable = [variables](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
  return environment;
}

}  // namespace

TEST_CASE("where state is kept: the option, then what systemd says") {
  config::GlobalOptions options;
  CHECK(choose_state_dir(options, with({{"STATE_DIRECTORY", "/a"}, {"XDG_STATE_HOME", "/b"}})) == "/a");
  options.state_dir = "/c";
  CHECK(choose_state_dir(options, with({{"STATE_DIRECTORY", "/a"}})) == "/c");
}

TEST_CASE("where state is kept without either depends on what may be written") {
  const bool system = access("/var/lib/sipward", W_OK) == 0 || access("/var/lib", W_OK) == 0;
  CHECK(choose_state_dir({}, with({{"XDG_STATE_HOME", "/b"}, {"HOME", "/h"}})) ==
        (system ? "/var/lib/sipward" : "/b/sipward"));
  CHECK(choose_state_dir({}, with({{"HOME", "/h"}})) ==
        (system ? "/var/lib/sipward" : "/h/.local/state/sipward"));
  CHECK(choose_state_dir({}, {}) == "/var/lib/sipward");
}

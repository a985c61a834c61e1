#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "sipward/config.hpp"

// Whoever knows the Caddyfile must not have to learn words anew: the tokens of many lines, as
// Debian's Caddy saw them. record_caddy_tokens.py made the file, and names what differs on purpose.
TEST_CASE("lines of arguments fall into the same words as in a Caddyfile") {
  namespace config = sipward::config;
  std::ifstream file(SIPWARD_TEST_DIR "/config/caddy_tokens.json", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  const auto cases = boost::json::parse(text.str());
  REQUIRE(cases.as_array().size() > 150);
  for (const auto& each : cases.as_array()) {
    const auto line = boost::json::value_to<std::string>(each.at("text"));
    config::Errors errors;
    const auto nodes = config::parse_text("f", "x " + line + "\n", {}, errors);
    boost::json::array words;
    for (const auto& node : nodes) {
      for (const auto& arg : node.args) words.emplace_back(arg.text);
    }
    INFO(line << "\n" << errors.to_string());
    CHECK(errors.ok());
    CHECK(nodes.size() == 1);
    CHECK(boost::json::serialize(words) == boost::json::serialize(each.at("tokens")));
  }
}

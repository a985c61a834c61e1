#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sipward/config.hpp"

// Every *.sipfile here is an input, a line of ten dashes, and what loading it must say: the messages as a
// user sees them, then the tree. SIPWARD_WRITE_GOLDEN=1 writes the second part anew, for a person to read
// before committing.

namespace {

namespace config = sipward::config;
namespace fs = std::filesystem;

constexpr std::string_view kSeparator = "----------\n";

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void print(std::ostream& out, const config::Node& node, unsigned depth) {
  out << std::string(depth * 2, ' ') << node.name;
  for (const auto& arg : node.args) out << ' ' << (arg.quoted ? config::quote(arg.text) : arg.text);
  out << '\n';
  for (const auto& child : node.children) print(out, child, depth + 1);
}

void print(std::ostream& out, std::string_view what, const std::vector<config::Listener>& listeners) {
  out << what;
  for (const auto& listener : listeners) out << ' ' << listener.address.to_string();
  out << '\n';
}

std::string tree(const config::Sipfile& sipfile) {
  std::ostringstream out;
  if (!sipfile.global.children.empty()) print(out, sipfile.global, 0);
  for (const auto& server : sipfile.servers) {
    print(out, "server", server.listen);
    out << "  matching_timeout " << config::format_duration(server.matching_timeout) << " idle_timeout "
        << config::format_duration(server.idle_timeout) << '\n';
    for (const auto& set : server.matchers) {
      out << "  @" << set.name << '\n';
      for (const auto& matcher : set.matchers) print(out, matcher, 2);
    }
    for (const auto& route : server.routes) {
      out << "  route";
      for (const auto& name : route.match) out << " @" << name;
      out << '\n';
      for (const auto& handler : route.handlers) print(out, handler, 2);
    }
  }
  for (const auto& site : sipfile.sites) {
    print(out, "site", site.listen);
    for (const auto& child : site.children) print(out, child, 1);
  }
  return out.str();
}

config::Environment environment() {
  config::Environment result;
  result.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOST") return "pbx.example.com";
    if (name == "SPACES") return "two words";
    if (name == "BRACES") return "} {";
    if (name == "BRACE") return "{";
    if (name == "LINES") return "a\nban_time 1s";
    if (name == "SELF") return "{$HOST}{args[0]}";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  return result;
}

std::string load(const fs::path& path, std::string input) {
  config::Errors errors;
  // Relative, so that messages are the same wherever the tests stand.
  const auto sipfile = config::load_text(path.filename().string(), std::move(input), environment(), errors);
  return errors.to_string() + (errors.ok() ? tree(sipfile) : "");
}

std::vector<fs::path> golden_files() {
  std::vector<fs::path> result;
  for (const auto& entry : fs::directory_iterator(SIPWARD_TEST_DIR "/config"))
    if (entry.path().extension() == ".sipfile") result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

TEST_CASE("every golden Sipfile loads as written down, or fails with these words") {
  fs::current_path(SIPWARD_TEST_DIR "/config");
  for (const auto& path : golden_files()) {
    const auto text = slurp(path);
    const auto split = text.find(kSeparator);
    REQUIRE(split != std::string::npos);
    const auto got = load(path, text.substr(0, split));
    if (std::getenv("SIPWARD_WRITE_GOLDEN")) {
      std::ofstream(path, std::ios::binary) << text.substr(0, split) << kSeparator << got;
      continue;
    }
    INFO(path.filename().string());
    CHECK(got == text.substr(split + kSeparator.size()));
  }
}

TEST_CASE("every Sipfile of the guardian's README loads without an error") {
  for (const auto& path : golden_files()) {
    if (!path.filename().string().starts_with("readme_")) continue;
    const auto text = slurp(path);
    config::Errors errors;
    config::load_text("Sipfile", text.substr(0, text.find(kSeparator)), environment(), errors);
    INFO(path.filename().string() << "\n" << errors.to_string());
    CHECK(errors.ok());
  }
}

TEST_CASE("what every good golden Sipfile is as JSON loads, and is printed the same again") {
  fs::current_path(SIPWARD_TEST_DIR "/config");
  for (const auto& path : golden_files()) {
    const auto text = slurp(path);
    config::Errors errors;
    const auto sipfile = config::load_text(path.filename().string(), text.substr(0, text.find(kSeparator)),
                                           environment(), errors);
    if (!errors.ok()) continue;
    const auto json = boost::json::serialize(config::to_json(sipfile));
    config::Errors again;
    const auto reloaded = config::load_json("again.json", json, environment(), again);
    INFO(path.filename().string() << "\n" << again.to_string());
    CHECK(again.ok());
    CHECK(boost::json::serialize(config::to_json(reloaded)) == json);
  }
}

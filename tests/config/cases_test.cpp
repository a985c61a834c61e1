#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sipward/config.hpp"

// cases/*.cases hold many small configurations each: a line "=== what it shows", the text, a line "---", and
// what loading says: one message a line, then the canonical JSON when there was no error. A text that begins
// with '{"' is JSON. SIPWARD_WRITE_GOLDEN=1 writes the last part anew, for a person to read
// before committing.

namespace {

namespace config = sipward::config;
namespace fs = std::filesystem;

struct Case {
  std::string title, text, expected;
};

std::vector<fs::path> case_files() {
  std::vector<fs::path> result;
  for (const auto& entry : fs::directory_iterator(SIPWARD_TEST_DIR "/config/cases"))
    if (entry.path().extension() == ".cases") result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<Case> cases_of(const fs::path& path) {
  std::vector<Case> result;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  bool expects = false;
  while (std::getline(file, line)) {
    if (line.starts_with("=== ")) {
      result.push_back({line.substr(4), {}, {}});
      expects = false;
    } else if (line == "---") {
      expects = true;
    } else if (!result.empty()) {
      (expects ? result.back().expected : result.back().text) += line + "\n";
    }
  }
  return result;
}

config::Environment environment(const std::string& title) {
  config::Environment result;
  result.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOST") return "pbx.example.com";
    if (name == "TIME") return "90m";
    if (name == "NUMBER") return "3";
    if (name == "TRICK") return "{env.HOST} {l4.conn.remote_addr} {$HOST}";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  result.hostname = "guard1";
  result.import_files = !title.starts_with("API: ");
  return result;
}

// The handlers x, y and z know these options, whatever the text makes of them.
void read(const config::Node& node, config::Errors& errors) {
  std::string name, text, mode = "a";
  std::chrono::milliseconds duration{0};
  std::uint64_t size = 0;
  unsigned number = 0;
  bool flag = false;
  config::Rate rate;
  std::vector<std::string> texts;
  config::UpstreamAddress upstream;
  std::vector<config::UpstreamAddress> upstreams;
  std::vector<sipward::Cidr> cidrs;
  config::Reader r(node, errors);
  r.text("name", name, config::Place::argument);
  r.text("text", text);
  r.duration("ban_time", duration);
  r.duration("max", duration, config::Place::word);
  r.size("size", size);
  r.number("max_failures", number, 1U, 100U);
  r.flag("enabled", flag);
  r.rate("register", rate);
  r.one_of("mode", mode, {{"enforce", std::string("e")}, {"shadow", std::string("s")}});
  r.texts("agents", texts);
  r.upstream("address", upstream);
  r.upstreams("upstreams", upstreams);
  r.cidrs("whitelist", cidrs);
  r.block("health_check", [](config::Reader& b) {
    std::chrono::milliseconds interval{0};
    b.duration("interval", interval);
  });
  r.blocks("feed", [](config::Reader& b) {
    std::string url;
    b.text("url", url, config::Place::argument);
    b.require("url");
  });
  bool later = false;
  r.flag("later", later);
  r.not_active_yet("later");
  r.finish();
}

std::string say(const Case& each) {
  config::Errors errors;
  auto text = each.text;
  if (text.ends_with('\n')) text.pop_back();
  const bool json = text.starts_with("{\"");
  const auto surroundings = environment(each.title);
  const auto sipfile = json ? config::load_json("f", text, surroundings, errors)
                            : config::load_text("f", text, surroundings, errors);
  for (const auto& server : sipfile.servers) {
    for (const auto& route : server.routes) {
      for (const auto& handler : route.handlers) {
        if (handler.name == "x" || handler.name == "y" || handler.name == "z") read(handler, errors);
      }
    }
  }
  std::string result;
  for (const auto& d : errors.sorted()) {
    result += d.position.to_string() + ": ";
    result += d.severity == config::Severity::error     ? ""
              : d.severity == config::Severity::warning ? "warning: "
                                                        : "note: ";
    result += d.message;
    if (!d.suggestion.empty()) result += " [" + d.suggestion + "]";
    for (auto via = d.position.via; via; via = via->via) result += " <- " + via->to_string();
    result += "\n";
  }
  if (!errors.ok()) return result;
  const auto printed = boost::json::serialize(config::to_json(sipfile));
  // What is printed must load, and say the same.
  config::Errors again;
  const auto reloaded = config::load_json("again", printed, surroundings, again);
  for (const auto& server : reloaded.servers) {
    for (const auto& route : server.routes) {
      for (const auto& handler : route.handlers) {
        if (handler.name == "x" || handler.name == "y" || handler.name == "z") read(handler, again);
      }
    }
  }
  INFO(each.title << "\n" << again.to_string());
  CHECK(again.ok());
  CHECK(boost::json::serialize(config::to_json(reloaded)) == printed);
  return result + printed + "\n";
}

}  // namespace

TEST_CASE("every small configuration says what its case says") {
  std::size_t count = 0;
  for (const auto& path : case_files()) {
    const auto cases = cases_of(path);
    count += cases.size();
    if (std::getenv("SIPWARD_WRITE_GOLDEN")) {
      std::string text;
      for (const auto& each : cases) text += "=== " + each.title + "\n" + each.text + "---\n" + say(each);
      std::ofstream(path, std::ios::binary) << text;
      continue;
    }
    for (const auto& each : cases) {
      INFO(path.filename().string() << ": " << each.title);
      CHECK(say(each) == each.expected);
    }
  }
  CHECK(count > 200);
}

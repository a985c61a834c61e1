#include "cli/commands.hpp"

#include <unistd.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

struct Outcome {
  int status;
  std::string out, err;
};

Outcome run(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  const int status = sipward::cli::run_command(words);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {status, out.str(), err.str()};
}

// A folder that is gone with the test.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sipward-cli-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& text) const {
    const auto name = path / "Sipfile";
    std::ofstream(name) << text;
    return name.string();
  }
};

constexpr auto kGood = "{\n  workers 2\n}\n";
constexpr auto kBad = "{\n  workers many\n  colour red\n}\n";

}  // namespace

TEST_CASE("usage errors end in 2 and say where help is") {
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"dance"},
                                                                 {"validate", "--colour"},
                                                                 {"validate", "a", "b"},
                                                                 {"validate", "--config"},
                                                                 {"adapt", "--json", "x"},
                                                                 {"list-modules", "x"},
                                                                 {"run", "--config", "a", "b"},
                                                                 {"start", "a", "b"},
                                                                 {"stop", "x"},
                                                                 {"reload", "a", "b"},
                                                                 {"reload", "--config", "a", "b"},
                                                                 {"reload", "--address"},
                                                                 {"bans", "x"},
                                                                 {"ban"},
                                                                 {"ban", "nowhere"},
                                                                 {"ban", "192.0.2.1", "192.0.2.2"},
                                                                 {"ban", "192.0.2.1", "--for", "soon"},
                                                                 {"ban", "192.0.2.1", "--for"},
                                                                 {"unban"},
                                                                 {"unban", "192.0.2.1", "--all"},
                                                                 {"why"},
                                                                 {"why", "192.0.2.0/24"},
                                                                 {"version", "x"}}) {
    CAPTURE(words);
    const auto outcome = run(words);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK_FALSE(outcome.err.empty());
  }
}

TEST_CASE("help is an answer, with every command, and each command's has an example") {
  for (const auto* word : {"help", "--help", "-h"}) {
    const auto outcome = run({word});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    for (const auto* name : {"run", "start", "stop", "reload", "validate", "adapt", "list-modules", "version",
                             "bans", "ban", "unban", "why"}) {
      CHECK(outcome.out.find(std::string("  ") + name) != std::string::npos);
      for (const auto* flag : {"--help", "-h"}) {
        const auto help = run({name, flag});
        CHECK(help.status == 0);
        CHECK(help.out.starts_with("Usage: sipward " + std::string(name)));
        CHECK(help.out.find("Example:") != std::string::npos);
      }
    }
  }
}

TEST_CASE("the version is told") {
  for (const auto* word : {"version", "--version"}) {
    const auto outcome = run({word});
    CHECK(outcome.status == 0);
    CHECK(outcome.out.starts_with("sipward "));
    CHECK(outcome.out.find("build ") != std::string::npos);
  }
}

TEST_CASE("where no server answers, stop and reload fail and say so") {
  for (const auto* name : {"stop", "reload"}) {
    const auto outcome = run({name, "--address", "127.0.0.1:1"});
    CHECK(outcome.status == 1);
    CHECK(outcome.err.find("nothing answers on 127.0.0.1:1") != std::string::npos);
    CHECK(run({name, "--address", "nowhere"}).status == 1);
  }
  for (const auto* name : {"ban", "unban", "why"})
    CHECK(run({name, "192.0.2.1", "--address", "127.0.0.1:1"}).status == 1);
  CHECK(run({"bans", "--address", "127.0.0.1:1"}).status == 1);
}

TEST_CASE("validate tells a good file from a bad one") {
  const Folder folder;
  auto outcome = run({"validate", folder.file(kGood)});
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find("is valid") != std::string::npos);
  outcome = run({"validate", "--config", folder.file(kBad)});
  CHECK(outcome.status == 1);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find(":2:11:") != std::string::npos);
  CHECK(outcome.err.find(":3:3:") != std::string::npos);
  outcome = run({"validate", (folder.path / "none").string()});
  CHECK(outcome.status == 1);
  CHECK_FALSE(outcome.err.empty());
}

TEST_CASE("validate speaks JSON when asked, for good files and bad") {
  const Folder folder;
  auto outcome = run({"validate", "--json", folder.file(kGood)});
  CHECK(outcome.status == 0);
  CHECK(boost::json::parse(outcome.out).as_array().empty());
  outcome = run({"validate", "--json", folder.file(kBad)});
  CHECK(outcome.status == 1);
  const auto errors = boost::json::parse(outcome.out).as_array();
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].at("severity") == "error");
  CHECK(errors[0].at("line") == 2);
  CHECK(errors[0].at("column") == 11);
  CHECK_FALSE(errors[1].at("message").as_string().empty());
}

TEST_CASE("adapt prints the same JSON each time, and nothing for a bad file") {
  const Folder folder;
  const auto first = run({"adapt", folder.file(kGood)}), second = run({"adapt", folder.file(kGood)});
  CHECK(first.status == 0);
  CHECK(first.out == second.out);
  CHECK(boost::json::parse(first.out).at("global").at("workers") == 2);
  const auto bad = run({"adapt", folder.file(kBad)});
  CHECK(bad.status == 1);
  CHECK(bad.out.empty());
  CHECK_FALSE(bad.err.empty());
}

TEST_CASE("list-modules lists modules or options, as JSON too") {
  const Folder empty;
  CHECK(run({"list-modules", "--modules-path", empty.path.string()}).status == 0);
  CHECK(run({"list-modules", "--options"}).status == 0);
  for (const auto& words :
       {std::vector<std::string>{"list-modules", "--json"}, {"list-modules", "--options", "--json"}}) {
    const auto outcome = run(words);
    CHECK(outcome.status == 0);
    CHECK(boost::json::parse(outcome.out).is_array());
  }
}

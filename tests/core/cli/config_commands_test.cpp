#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands.hpp"

namespace fs = std::filesystem;

namespace {

struct Result {
  int status = 0;
  std::string out, err;
};

// The command with its standard output and error caught.
Result run(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  const int status = sipward::cli::run_command(arguments);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {status, out.str(), err.str()};
}

class TemporaryFile final {
 public:
  TemporaryFile(const std::string& name, const std::string& text) {
    auto pattern = (fs::temp_directory_path() / "sipward_commands_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()));
    folder_ = pattern;
    path_ = folder_ / name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_.string(); }
  fs::path folder() const { return folder_; }
  std::string text() const {
    std::ifstream file(path_, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  fs::path folder_, path_;
};

}  // namespace

TEST_CASE("fmt prints, shows the difference, or overwrites, and keeps the file's mode and link") {
  const TemporaryFile file("Sipfile", "{\nadmin off\n}\n");
  const std::string wanted = "{\n    admin off\n}\n";
  CHECK(run({"fmt", file.path()}).out == wanted);
  const auto diff = run({"fmt", "--diff", file.path()});
  CHECK(diff.status == 1);
  CHECK(diff.out == "  {\n- admin off\n+     admin off\n  }\n");
  CHECK(file.text() == "{\nadmin off\n}\n");

  fs::permissions(file.path(), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(file.path(), file.folder() / "link");
  CHECK(run({"fmt", "-w", (file.folder() / "link").string()}).status == 0);
  CHECK(file.text() == wanted);
  CHECK(fs::is_symlink(file.folder() / "link"));
  CHECK(fs::status(file.path()).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(run({"fmt", "--diff", file.path()}).status == 0);
  CHECK(run({"fmt", "--overwrite", file.path()}).status == 0);
  CHECK(std::distance(fs::directory_iterator(file.folder()), {}) == 2);  // nothing is left behind
}

TEST_CASE("fmt leaves a file that it cannot parse alone") {
  const TemporaryFile file("Sipfile", "udp/:5060 {\n");
  const auto result = run({"fmt", "--overwrite", file.path()});
  CHECK(result.status == 1);
  CHECK(result.err.find(":1:11: the block opened here is never closed") != std::string::npos);
  CHECK(file.text() == "udp/:5060 {\n");
}

TEST_CASE("fmt refuses what makes no sense, with status 2") {
  const TemporaryFile json("a.json", "{}");
  CHECK(run({"fmt", json.path()}).status == 2);
  CHECK(run({"fmt", "--overwrite", "--diff", "a"}).status == 2);
  CHECK(run({"fmt", "--overwrite", "-"}).status == 2);
  CHECK(run({"fmt", "--wrong"}).status == 2);
  CHECK(run({"fmt", (json.folder() / "missing").string()}).status == 1);
  CHECK(run({"fmt", json.folder().string()}).status == 1);
}

TEST_CASE("validate and adapt take JSON by the name of the file") {
  const TemporaryFile good("a.json", R"({"global":{"admin":"off"},"servers":[],"sites":[]})");
  CHECK(run({"validate", good.path()}).status == 0);
  CHECK(run({"adapt", good.path()}).out ==
        "{\n  \"global\": {\n    \"admin\": \"off\"\n  },\n  \"servers\": [],\n  \"sites\": []\n}\n");
  const TemporaryFile bad("a.json", R"({"globul":{}})");
  const auto result = run({"validate", "--json", bad.path()});
  CHECK(result.status == 1);
  CHECK(result.out.find(R"("column": 2)") != std::string::npos);
  CHECK(result.out.find(R"("suggestion": "global")") != std::string::npos);
}

TEST_CASE("environ names the version, the folders and the variables") {
  REQUIRE(setenv("SIPWARD_COMMANDS_TEST", "a value", 1) == 0);
  REQUIRE(setenv("STATE_DIRECTORY", "/state", 1) == 0);
  const auto result = run({"environ"});
  CHECK(result.status == 0);
  for (const auto* line : {"sipward.version=", "\nsipward.build=", "\nsipward.modules_path=/",
                           "\nsipward.state_dir=/state\n", "\nSIPWARD_COMMANDS_TEST=a value\n"})
    CHECK(("\n" + result.out).find(line) != std::string::npos);
  CHECK(run({"environ", "more"}).status == 2);
}

TEST_CASE("every command has help with an example") {
  const auto help = run({"help"});
  for (const auto* name : {"run", "validate", "adapt", "fmt", "list-modules", "version", "environ"}) {
    CHECK(help.out.find("\n  " + std::string(name) + " ") != std::string::npos);
    const auto one = run({name, "--help"});
    CHECK(one.status == 0);
    CHECK(one.out.find("Example:\n  sipward ") != std::string::npos);
  }
}

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "observe/stderr_logger.hpp"
#include "sipward/config/errors.hpp"

namespace {

using sipward::LogLevel;
using sipward::StderrLogger;
using sipward::config::LogOptions;

class FixedClock final : public sipward::Clock {
 public:
  sipward::Time now() const override { return sipward::Time{}; }
  sipward::WallTime wall() const override {
    return sipward::WallTime{} + std::chrono::milliseconds(1767323045678);  // 2026-01-02T03:04:05.678Z
  }
};

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sipward-log-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

}  // namespace

TEST_CASE("a line is written in the chosen format and a value cannot forge another") {
  const FixedClock clock;
  const Folder folder;
  StderrLogger log(clock);
  LogOptions options;
  options.file = folder.file("log");
  log.configure(options);
  log.info("guardian", "banned", {{"ip", "192.0.2.1"}, {"agent", "x\n2026 forged"}});
  options.format = LogOptions::Format::json;
  log.configure(options);
  log.warn("guardian", "banned", {{"ip", "192.0.2.1"}, {"agent", "x\ny"}});
  CHECK(contents(options.file) ==
        "2026-01-02T03:04:05.678Z INFO  guardian: banned ip=192.0.2.1 agent=\"x\\n2026 forged\"\n"
        "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warn\",\"module\":\"guardian\","
        "\"message\":\"banned\",\"ip\":\"192.0.2.1\",\"agent\":\"x\\ny\"}\n");
}

TEST_CASE("what is below the level is not written") {
  const FixedClock clock;
  const Folder folder;
  StderrLogger log(clock);
  CHECK(log.enabled(LogLevel::info));
  CHECK_FALSE(log.enabled(LogLevel::debug));
  LogOptions options;
  options.file = folder.file("log");
  options.level = LogOptions::Level::warn;
  log.configure(options);
  CHECK_FALSE(log.enabled(LogLevel::info));
  log.info("a", "not this", {});
  log.error("a", "but this", {});
  CHECK(contents(options.file) == "2026-01-02T03:04:05.678Z ERROR a: but this\n");
}

TEST_CASE("a log file that cannot be opened is refused and the old one stays") {
  const FixedClock clock;
  const Folder folder;
  StderrLogger log(clock);
  LogOptions options;
  options.file = folder.file("log");
  log.configure(options);
  auto broken = options;
  broken.file = folder.file("none/log");
  CHECK_THROWS_AS(log.configure(broken), sipward::config::ConfigError);
  log.info("a", "still here");
  CHECK(contents(options.file).find("still here") != std::string::npos);
}

TEST_CASE("a log file that has grown is renamed, and only so many are kept") {
  const FixedClock clock;
  const Folder folder;
  StderrLogger log(clock);
  LogOptions options;
  options.file = folder.file("log");
  options.roll_size = 60;  // room for one line
  options.roll_keep = 2;
  log.configure(options);
  for (const char* text : {"one 1111111", "two 2222222", "three 33333", "four 444444"}) log.info("a", text);
  CHECK(contents(options.file).find("four") != std::string::npos);
  CHECK(contents(options.file + ".1").find("three") != std::string::npos);
  CHECK(contents(options.file + ".2").find("two") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(options.file + ".3"));
}

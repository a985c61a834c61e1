#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sipward/config.hpp"

using namespace sipward;
using namespace sipward::config;
namespace fs = std::filesystem;

namespace {

class TemporaryFolder final {
 public:
  TemporaryFolder() {
    auto pattern = (fs::temp_directory_path() / "sipward_config_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()));
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("imports are relative to the file that imports, even in a folder with a star in its name") {
  TemporaryFolder folder;
  const auto main = folder.write("odd*[1]/Sipfile", "import sub/a.conf\nimport sub/site*.conf\n");
  folder.write("odd*[1]/sub/a.conf", "import b.conf\n");
  folder.write("odd*[1]/sub/b.conf", "udp/:5060 { route { echo } }\n");
  folder.write("odd*[1]/sub/site1.conf", ":2020 { metrics }\n");
  folder.write("odd*[1]/sub/site2.conf", ":2021 { metrics }\n");
  Errors errors;
  const auto sipfile = load_file(main, {}, errors);
  INFO(errors.to_string());
  CHECK(errors.ok());
  CHECK(sipfile.servers.size() == 1);
  CHECK(sipfile.sites.size() == 2);
}

TEST_CASE("one file may be imported several times, but not by itself") {
  TemporaryFolder folder;
  const auto main = folder.write("Sipfile",
                                 "udp/:1 { import r.conf }\nudp/:2 { import r.conf }\n"
                                 "udp/:3 { route { import Sipfile } }\n");
  folder.write("r.conf", "(s) { echo }\nroute { import s }\n");
  Errors errors;
  load_file(main, {}, errors);
  const auto text = errors.to_string();
  CHECK(text.find("a snippet is defined at top level") != std::string::npos);
  CHECK(text.find("import cycle: " + main.string() + " → " + main.string()) != std::string::npos);
  CHECK(errors.count(Severity::error) == 4);
}

TEST_CASE("a file that cannot be read is an error with its name") {
  TemporaryFolder folder;
  Errors errors;
  load_file(folder.path() / "missing", {}, errors);
  load_file(folder.path(), {}, errors);
  const auto text = errors.to_string();
  CHECK(text.find("missing: cannot read '" + (folder.path() / "missing").string() + "': No such file") !=
        std::string::npos);
  CHECK(text.find("it is a folder") != std::string::npos);
}

TEST_CASE("a file that is too large is refused") {
  TemporaryFolder folder;
  const auto path = folder.write("Sipfile", std::string((4U << 20) + 1, '\n'));
  Errors errors;
  load_file(path, {}, errors);
  CHECK(errors.to_string().find("it is larger than 4MiB") != std::string::npos);
}

TEST_CASE("what came by the API may use snippets but import no file") {
  TemporaryFolder folder;
  folder.write("a.conf", "echo\n");
  Environment environment;
  environment.import_files = false;
  Errors errors;
  load_text((folder.path() / "Sipfile").string(),
            "(s) { echo }\nudp/:5060 {\n route {\n import s\n import a.conf\n }\n}\n", environment, errors);
  REQUIRE(errors.count(Severity::error) == 1);
  CHECK(errors.sorted()[0].message == "there is no snippet 'a.conf', and files cannot be imported here");
}

TEST_CASE("global options have the contract's defaults and are read") {
  Errors errors;
  const auto defaults = load_text("Sipfile", "", {}, errors).options;
  CHECK(defaults.admin == parse_listen("127.0.0.1:2019"));
  CHECK(defaults.grace_period == std::chrono::seconds(30));
  CHECK(defaults.workers == 0);
  const auto options =
      load_text("Sipfile",
                "{\nadmin off\nworkers 3\nmodules_path a b\nresolvers 192.0.2.53 192.0.2.54:5353\n"
                "grace_period 5s\nstate_dir /s\ntls c k\nlog {\nlevel DEBUG\nformat json\n"
                "output file /l {\nroll_size 1MiB\nroll_keep 2\n}\n}\n}\n",
                {}, errors)
          .options;
  INFO(errors.to_string());
  REQUIRE(errors.ok());
  CHECK_FALSE(options.admin);
  CHECK(options.workers == 3);
  CHECK(options.modules_path == std::vector<std::string>{"a", "b"});
  REQUIRE(options.resolvers.size() == 2);
  CHECK(options.resolvers[0].to_string() == "192.0.2.53:53");
  CHECK(options.grace_period == std::chrono::seconds(5));
  CHECK(options.state_dir == "/s");
  CHECK(options.tls_certificate == "c");
  CHECK(options.tls_key == "k");
  CHECK(options.log.level == LogOptions::Level::debug);
  CHECK(options.log.format == LogOptions::Format::json);
  CHECK(options.log.file == "/l");
  CHECK(options.log.roll_size == 1U << 20);
  CHECK(options.log.roll_keep == 2);
}

TEST_CASE("output file without a path is an error") {
  Errors errors;
  load_text("Sipfile", "{\nlog { output file }\n}\n", {}, errors);
  REQUIRE(errors.count(Severity::error) == 1);
  CHECK(errors.sorted()[0].message == "output file wants a path");
}

TEST_CASE("{file./path} is what the file holds, without its last line end, and bounded") {
  TemporaryFolder folder;
  const auto load = [&](const std::string& content, std::string& key) {
    const auto path = folder.write("secret", content);
    Errors errors;
    key = load_text("Sipfile", "{\ntls c {file." + path.string() + "}\n}\n", {}, errors).options.tls_key;
    const auto text = errors.to_string();
    return text.substr(0, text.find('\n'));
  };
  std::string key;
  CHECK(load("top {env.X} \"secret\" }\r\n", key).empty());
  CHECK(key == "top {env.X} \"secret\" }");
  CHECK(load(std::string((64U << 10) + 1, 'x'), key).find("it is larger than 64KiB") != std::string::npos);
  CHECK(load("\xff", key).find("is not UTF-8 text") != std::string::npos);
}

TEST_CASE("a file that ends in .json is JSON, and what is wrong in it is said with its place") {
  TemporaryFolder folder;
  Errors errors;
  const auto good = load_file(folder.write("a.json", R"({"global":{"workers":3}})"), {}, errors);
  CHECK(errors.ok());
  CHECK(good.options.workers == 3);
  const auto bad = folder.write("b.json", "{\n\"workers\":3}");
  load_file(bad, {}, errors);
  load_file(folder.path() / "missing.json", {}, errors);
  const auto text = errors.to_string();
  CHECK(text.find(bad.string() + ":2:1: unknown key 'workers' in a configuration") != std::string::npos);
  CHECK(text.find("missing.json: cannot read") != std::string::npos);
}

TEST_CASE("global options may stand in an imported file, but not there and here") {
  TemporaryFolder folder;
  folder.write("global.conf", "{\nworkers 2\n}\n");
  Errors good;
  CHECK(load_file(folder.write("one", "import global.conf\n"), {}, good).options.workers == 2);
  CHECK(good.ok());
  Errors bad;
  load_file(folder.write("two", "{\nworkers 3\n}\nimport global.conf\n"), {}, bad);
  CHECK(bad.to_string().find("global.conf:1:1: the global options are given twice") != std::string::npos);
}

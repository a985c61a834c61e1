#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "modules/module_file.hpp"
#include "modules/module_host.hpp"
#include "routing/builder.hpp"
#include "sipward/testing/fake_host.hpp"

using namespace sipward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

fs::path fixture(const std::string& name) {
  return fs::path(FIXTURES) / (name + ".so");
}

// A folder of its own with copies of fixtures, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sipward-loader-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path copy(const std::string& name, const std::string& as) const {
    fs::copy_file(fixture(name), path_ / as);
    return path_ / as;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Context final : CreateContext {
  using CreateContext::CreateContext;
  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node&) override { return {}; }
};

config::Node directive(std::string name, config::Position position = {}) {
  config::Node node;
  node.name = std::move(name);
  node.position = std::move(position);
  return node;
}

std::string refusal(const ModuleHost& host) {
  REQUIRE_FALSE(host.modules().empty());
  return host.modules().back().refused;
}

}  // namespace

TEST_CASE("a module is loaded by path and serves its directive") {
  ModuleHost host;
  REQUIRE(host.load(fixture("good")));
  REQUIRE(host.modules().size() == 1);
  const FoundModule& module = host.modules().front();
  CHECK(module.name == "good");
  CHECK(module.version == "1.2.3");
  CHECK(module.path == fs::canonical(fixture("good")));
  CHECK(module.directives == std::vector<std::string>{"drops"});
  CHECK(module.refused.empty());
  CHECK(host.handler_names() == module.directives);
  REQUIRE(host.handler("drops") != nullptr);
  CHECK(host.matcher("drops") == nullptr);
  CHECK(host.http("drops") == nullptr);

  config::Errors errors;
  BuildScope scope;
  Context context(errors, scope);
  const auto handler = host.create_handler(directive("drops"), context);
  REQUIRE(handler);
  CHECK(handler->terminal());
}

TEST_CASE("what a module made outlives the host that loaded it") {
  std::unique_ptr<Handler> handler;
  {
    ModuleHost host;
    host.load(fixture("good"));
    config::Errors errors;
    BuildScope scope;
    Context context(errors, scope);
    handler = host.create_handler(directive("drops"), context);
  }
  REQUIRE(handler);
  CHECK(handler->terminal());
}

TEST_CASE("a broken module is refused with the reason, and the others go on") {
  struct Case {
    const char* fixture;
    std::vector<std::string> says;
  };
  const auto cases = {
      Case{"other_abi", {"ABI 99", "speaks 1"}},
      Case{"other_size", {"has 8 octets", "server's has " + std::to_string(sizeof(ModuleInfo))}},
      Case{"other_build", {"built as 'from another age'", "this server is '" SIPWARD_BUILD_ID "'"}},
      Case{"other_server", {"built as 'sipward/0.0.1 GNU/2.95", "this server is '" SIPWARD_BUILD_ID "'"}},
      Case{"missing_symbol", {"can't be loaded", "undefined symbol", "fixture_missing"}},
      Case{"missing_library", {"can't be loaded: libfixture_absent.so", "No such file"}},
      Case{"no_symbol", {"exports no symbol sipward_module"}},
      Case{"repeats_itself", {"matcher 'echo' twice"}},
      Case{"gone", {"No such file"}},
  };
  for (const Case& c : cases) {
    INFO(c.fixture);
    ModuleHost host;
    CHECK_FALSE(host.load(fixture(c.fixture)));
    for (const std::string& words : c.says) CHECK_THAT(refusal(host), Contains(words));
    CHECK(host.handler_names().empty());
    CHECK(host.load(fixture("good")));
    CHECK(host.handler("drops") != nullptr);
  }
}

TEST_CASE("what is no module for this server never runs its constructors") {
  ModuleHost host;
  CHECK_FALSE(host.load(fixture("no_symbol")));
  CHECK_FALSE(host.load(fixture("other_server")));
  CHECK(std::getenv("SIPWARD_FIXTURE_RAN") == nullptr);
}

TEST_CASE("what is no shared object is refused for what it is") {
  const Folder folder;
  const fs::path file = folder.path() / "x.so";
  struct Case {
    std::string content;
    const char* says;
  };
  for (const Case& c : {Case{"", "an empty file"}, Case{"#!/bin/sh\n", "no ELF file"},
                        Case{"\177ELF", "not a whole shared object"},
                        Case{"\177ELF and then nonsense of some length…", "not a whole shared object"}}) {
    std::ofstream(file) << c.content;
    ModuleHost host;
    CHECK_FALSE(host.load(file));
    CHECK_THAT(refusal(host), Contains(c.says));
  }
  fs::remove(file);
  fs::create_directory(file);
  ModuleHost host;
  CHECK_FALSE(host.load(file));
  CHECK(refusal(host) == "not a file");
}

TEST_CASE("a module that was cut off anywhere is refused") {
  const Folder folder;
  const auto size = fs::file_size(fixture("good"));
  for (int part = 0; part < 16; ++part) {
    const fs::path file = folder.copy("good", "cut" + std::to_string(part) + ".so");
    fs::resize_file(file, size / 16 * static_cast<unsigned>(part) + 1);
    ModuleHost host;
    CHECK_FALSE(host.load(file));
    CHECK_THAT(refusal(host), StartsWith("not a"));
  }
}

TEST_CASE("a module without its table of symbols for debuggers is loaded") {
  const Folder folder;
  const fs::path file = folder.copy("good", "good.so");
  REQUIRE(std::system(("strip --strip-all " + file.string()).c_str()) == 0);
  ModuleHost host;
  CHECK(host.load(file));
}

TEST_CASE("a link that leads nowhere is refused and named, and the others go on") {
  const Folder folder;
  fs::create_symlink("gone.so", folder.path() / "a.so");
  fs::create_symlink("b.so", folder.path() / "b.so");
  folder.copy("good", "c.so");
  ModuleHost host;
  host.load_folders(std::vector{folder.path()});
  REQUIRE(host.modules().size() == 3);
  CHECK(host.modules()[0].path == folder.path() / "a.so");
  CHECK(host.modules()[0].refused == "a link to gone.so, which can't be followed: No such file or directory");
  CHECK_THAT(host.modules()[1].refused, StartsWith("a link to b.so, which can't be followed: Too many"));
  CHECK(host.modules()[2].refused.empty());
}

TEST_CASE("a descriptor that lacks something is refused, not followed") {
  const auto info = [](auto change) {
    static constexpr HandlerFactory kNoFunction[] = {{"x", nullptr}};
    static constexpr HandlerFactory kNoWord[] = {{nullptr, nullptr}};
    ModuleInfo made = make_module_info(SIPWARD_BUILD_ID, "made", "1", {});
    change(made, kNoFunction, kNoWord);
    return made;
  };
  for (const ModuleInfo& broken :
       {info([](auto&m, auto&, auto&) { m.name = nullptr; }), info([](auto&m, auto&, auto&) { m.name = ""; }),
        info([](auto&m, auto&, auto&) { m.version = nullptr; }),
        info([](auto&m, auto&, auto&) { m.matcher_count = 1; }), info([](auto&m, auto&list, auto&) {
          m.handlers = list;
          m.handler_count = 1;
        }),
        info([](auto&m, auto&, auto&list) {
          m.handlers = list;
          m.handler_count = 1;
        })}) {
    ModuleHost host;
    CHECK_FALSE(host.add(broken));
    CHECK_THAT(refusal(host), StartsWith("its descriptor"));
  }
}

TEST_CASE("a directive that is offered already refuses the later module as a whole and names both") {
  ModuleHost host;
  REQUIRE(host.load(fixture("good")));
  CHECK_FALSE(host.load(fixture("same_directive")));
  CHECK(host.modules().back().name == "same_directive");
  CHECK_THAT(refusal(host), Contains("handler 'drops'") && Contains("module 'good'"));
  CHECK(host.handler("fresh") == nullptr);
  CHECK(host.handler("drops") != nullptr);
}

TEST_CASE("of two modules with one name the later is refused") {
  ModuleHost host;
  REQUIRE(host.load(fixture("good")));
  CHECK_FALSE(host.load(fixture("same_name")));
  CHECK_THAT(refusal(host), Contains("of that name already") && Contains("good.so"));
  CHECK(host.handler("something_else") == nullptr);
}

TEST_CASE("a module that others may write to is refused") {
  const Folder folder;
  const fs::path file = folder.copy("good", "good.so");
  for (const auto bit : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(file, bit, fs::perm_options::add);
    ModuleHost host;
    CHECK_FALSE(host.load(file));
    CHECK_THAT(refusal(host), StartsWith("writable by others") && Contains("chmod go-w"));
    fs::permissions(file, bit, fs::perm_options::remove);
  }
  ModuleHost host;
  CHECK(host.load(file));
}

TEST_CASE("of a folder that others may write to nothing is loaded, not by a link either") {
  const Folder folder, elsewhere;
  folder.copy("good", "good.so");
  fs::permissions(folder.path(), fs::perms::others_write, fs::perm_options::add);
  ModuleHost host;
  host.load_folders(std::vector{folder.path()});
  REQUIRE(host.modules().size() == 1);
  CHECK(host.modules()[0].path == folder.path());
  CHECK_THAT(refusal(host), StartsWith("writable by others"));

  fs::create_symlink(folder.path() / "good.so", elsewhere.path() / "good.so");
  host.load_folders(std::vector{elsewhere.path()});
  CHECK_THAT(refusal(host), StartsWith("its folder is writable by others"));
}

TEST_CASE("a folder's modules are loaded by file name; other files and repetition are passed over") {
  const Folder folder;
  folder.copy("good", "b.so");
  folder.copy("same_name", "a.so");
  folder.copy("throws", "c.so");
  folder.copy("other_abi", "readme.txt");
  ModuleHost host;
  host.load_folders(std::vector{folder.path(), folder.path(), folder.path() / "absent"});
  REQUIRE(host.modules().size() == 4);
  CHECK(host.modules()[0].version == "9.9.9");
  CHECK_THAT(host.modules()[1].refused, Contains("of that name already"));
  CHECK(host.modules()[2].name == "throws");
  CHECK(host.modules()[3].refused == "no such folder");
}

TEST_CASE("whatever a factory throws becomes an error at its directive") {
  ModuleHost host;
  REQUIRE(host.load(fixture("throws")));
  struct Case {
    const char* directive;
    const char* says;
  };
  const auto source = std::make_shared<config::Source>(config::Source{"Sipfile", "x\n"});
  const config::Position position{.source = source, .via = nullptr, .line = 1, .column = 1};
  for (const Case& c : {Case{"config_error", "config_error: the moon is in the wrong house"},
                        Case{"runtime_error", "runtime_error: out of luck"}, Case{"number", "no exception"},
                        Case{"nothing", "made nothing"}, Case{"reports", "its own words"},
                        Case{"unheard_of", "no module offers handler 'unheard_of'"}}) {
    INFO(c.directive);
    config::Errors errors;
    BuildScope scope;
    Context context(errors, scope);
    CHECK_FALSE(host.create_handler(directive(c.directive, position), context));
    REQUIRE(errors.count(config::Severity::error) == 1);
    CHECK_THAT(errors.to_string(), StartsWith("Sipfile:1:1: ") && Contains(c.says));
  }
}

TEST_CASE("whatever a handler throws while it is judged becomes an error at its directive") {
  ModuleHost host;
  REQUIRE(host.load(fixture("throws")));
  config::Errors errors;
  const auto sipfile = config::load_text("Sipfile",
                                         "udp/:5060 {\n  route {\n    validate_error\n"
                                         "    validate_number\n  }\n}\n",
                                         {}, errors);
  build_tree(sipfile, host, errors);
  CHECK(errors.count(config::Severity::error) == 2);
  CHECK_THAT(errors.to_string(), Contains("Sipfile:3:5: validate_error: changed its mind") &&
                                     Contains("Sipfile:4:5: validate_number: threw something"));
}

TEST_CASE("what is no exception refuses a configuration while it is provisioned like one that is") {
  ModuleHost host;
  REQUIRE(host.load(fixture("throws")));
  config::Errors errors;
  const auto sipfile =
      config::load_text("Sipfile", "udp/:5060 {\n route {\n provision_number\n }\n}\n", {}, errors);
  const auto tree = build_tree(sipfile, host, errors);
  test::FakeHost around;
  auto context = around.context();
  CHECK_THROWS_AS(provision_tree(*tree, host, context), config::ConfigError);
}

TEST_CASE("a directive that nobody offers points to the modules that were refused, if any were") {
  for (const bool some : {false, true}) {
    ModuleHost host;
    if (some) host.load(fixture("other_build"));
    config::Errors errors;
    BuildScope scope;
    Context context(errors, scope);
    CHECK_FALSE(host.create_handler(directive("unheard_of"), context));
    CHECK((errors.to_string().find("some were refused, see sipward list-modules") != std::string::npos) ==
          some);
  }
}

TEST_CASE("a mistyped directive gets the nearest one suggested") {
  ModuleHost host;
  REQUIRE(host.load(fixture("good")));
  config::Errors errors;
  BuildScope scope;
  Context context(errors, scope);
  CHECK_FALSE(host.create_handler(directive("dropps"), context));
  CHECK_THAT(errors.to_string(), Contains("did you mean") && Contains("drops"));
}

TEST_CASE("modules are looked for beside the program's folder, in a build tree as when installed") {
  for (const char* prefix : {"/usr/local", "/opt/sipward", "/home/somebody/sipward/build/dev"}) {
    const auto dirs = default_module_dirs(fs::path(prefix) / "bin/sipward");
    REQUIRE(dirs.size() == 1);
    CHECK_THAT(dirs[0].string(), StartsWith(std::string(prefix) + "/lib") && Contains("/sipward/modules"));
  }
  CHECK(default_module_dirs({}).empty());
  CHECK(current_executable().filename() == "loader_test");
}

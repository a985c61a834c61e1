#include "routing/builder.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "sipward/testing/fake_host.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

struct Plain final : Handler {
  bool ends;
  explicit Plain(bool terminal_handler) : ends(terminal_handler) {}
  bool terminal() const override { return ends; }
};
struct Layer final : Handler {
  bool can_serve() const override { return false; }
};
struct Failing final : Handler {
  void validate(config::Errors& errors) const override { errors.add({}, "never right"); }
  void provision(BuildContext&) override { throw config::ConfigError("no such service"); }
};
struct Any final : Matcher {
  Match match(Packet&) const override { return Match::yes; }
};

template <class T, bool... Args>
std::unique_ptr<Handler> make(const config::Node&, CreateContext&) {
  return std::make_unique<T>(Args...);
}
constexpr HandlerFactory kHandlers[] = {{"pass",
                                         [](const config::Node&, CreateContext&) -> std::unique_ptr<Handler> {
                                           return std::make_unique<Plain>(false);
                                         }},
                                        {"end",
                                         [](const config::Node&, CreateContext&) -> std::unique_ptr<Handler> {
                                           return std::make_unique<Plain>(true);
                                         }},
                                        {"layer", make<Layer>},
                                        {"failing", make<Failing>}};
constexpr MatcherFactory kMatchers[] = {
    {"any", [](const config::Node&, CreateContext&) -> std::unique_ptr<Matcher> {
       return std::make_unique<Any>();
     }}};
constexpr ModuleInfo kModule = make_module_info(SIPWARD_BUILD_ID, "test", "1", offer(kHandlers, kMatchers));

struct Build {
  ModuleHost modules;
  config::Errors errors;
  std::shared_ptr<RouteTree> tree;
  explicit Build(const std::string& text) {
    REQUIRE(modules.add(kModule));
    const auto sipfile = config::load_text("Sipfile", text, {}, errors);
    tree = build_tree(sipfile, modules, errors);
    INFO(errors.to_string());
  }
  bool says(const std::string& words) const { return errors.to_string().find(words) != std::string::npos; }
};

}  // namespace

TEST_CASE("a Sipfile becomes servers with sets and routes in its order") {
  const Build build(
      "udp/:5060 { @x any\n@y any\nidle_timeout 7s\nroute @y @x { pass\nend }\nroute { end } }\ntcp/:5060 { "
      "route { end } }");
  INFO(build.errors.to_string());
  CHECK(build.errors.empty());
  REQUIRE(build.tree->servers.size() == 2);
  const auto& server = *build.tree->servers[0];
  CHECK(server.idle_timeout == std::chrono::seconds(7));
  REQUIRE(server.routes.size() == 2);
  CHECK(server.routes[0].match == std::vector<const MatcherSet*>{server.sets[1].get(), server.sets[0].get()});
  CHECK(server.routes[0].handlers.size() == 2);
  CHECK(server.routes[1].match.empty());
  CHECK(server.can_serve);
}

TEST_CASE("what the builder refuses, with its place") {
  struct Case {
    const char *text, *says;
  };
  for (const auto& c :
       {Case{"udp/:5060 { route { end\npass } }", "2:1: 'pass' would never run: 'end' ends the route"},
        Case{"udp/:5060 { route { end\nend } }", "'end' would never run"},
        Case{"udp/:5060 { route { ends } }", "did you mean"},
        Case{"udp/:5060 { route { colour } }", "colour"},
        Case{"udp/:5060 { @a colour\nroute @a { end } }", "colour"},
        Case{"udp/:5060 { @a any\nroute @b { end } }", "b"},
        Case{"udp/:5060 { route { failing\nend } }", "never right"},
        Case{"udp/:5060 { route { end } }\nudp/:5060 { route { end } }",
             "2:1: udp/:5060 is served already at Sipfile:1:1"},
        Case{":2020 { colour }", "colour"}}) {
    INFO(c.text);
    const Build build(c.text);
    INFO(build.errors.to_string());
    CHECK_FALSE(build.errors.ok());
    CHECK(build.says(c.says));
  }
}

TEST_CASE("all that is wrong is said at once") {
  const Build build("udp/:5060 { @a colour\nroute @a { shape\nend\npass } }");
  INFO(build.errors.to_string());
  CHECK(build.errors.count(config::Severity::error) == 3);
}

TEST_CASE("routes and handlers keep their names when others come, go or move") {
  const Build before("udp/:5060 { @x any\n@y any\nroute @x { pass\npass\nend }\nroute @y { end } }");
  const Build after(
      "udp/:5060 { @y any\n@z any\n@x any\nroute @z { end }\nroute @y { pass\nend }\nroute @x { end }\nroute "
      "@x { end } }");
  INFO(before.errors.to_string() + after.errors.to_string());
  REQUIRE(after.errors.ok());
  const auto& old = before.tree->servers[0]->routes;
  const auto& now = after.tree->servers[0]->routes;
  CHECK(now[2].id == old[0].id);
  CHECK(now[1].id == old[1].id);
  CHECK(now[2].names.back() == old[0].names.back());
  CHECK(now[1].before(old[1].name(0)) == 1);
  std::set<RouteId> ids;
  for (const auto& route : now) ids.insert(route.id);
  CHECK(ids.size() == now.size());
  CHECK(ids.count(0) == 0);
  CHECK(old[0].names[0] != old[0].names[1]);
}

TEST_CASE("a route takes 255 handlers and no more") {
  const auto route_of = [](int handlers) {
    std::string text = "udp/:5060 { route {\n";
    for (int i = 1; i < handlers; ++i) text += "pass\n";
    return text + "end\n} }";
  };
  const Build most(route_of(255));
  CHECK(most.errors.ok());
  const auto& names = most.tree->servers[0]->routes[0].names;
  CHECK(std::set<HandlerId>(names.begin(), names.end()).size() == 255);
  const Build more(route_of(256));
  CHECK(more.says("1:13: a route takes 255 handlers at most; this one has 256"));
}

TEST_CASE("a route that ends nowhere, and listeners that can't be opened yet, are warned about") {
  const Build open("udp/:5060 { route { pass } }");
  CHECK(open.errors.ok());
  CHECK(open.says("nothing in this route answers or forwards"));
  const Build layer("tcp/:5061 { route { layer\nend } }");
  CHECK(layer.errors.ok());
  CHECK_FALSE(layer.tree->servers[0]->can_serve);
  CHECK(layer.says("not opened"));
  const Build tls("tls/:5061 { route { end } }");
  CHECK(tls.errors.ok());
  CHECK(tls.errors.count(config::Severity::not_active) == 1);
}

TEST_CASE("provisioning tells what a handler can't have, and what a site needs") {
  FakeHost host;
  for (const auto* text : {"udp/:5060 { route { failing } }", ":2020 { }"}) {
    INFO(text);
    Build build(text);
    auto context = host.context();
    CHECK_THROWS_AS(provision_tree(*build.tree, build.modules, context), config::ConfigError);
  }
}

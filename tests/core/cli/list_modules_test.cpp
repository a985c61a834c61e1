#include "cli/list_modules.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <sstream>

using namespace sipward;

namespace {

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  config::Reader r(node, context.errors);
  unsigned number = 5;
  std::vector<std::string> names;
  bool on = false;
  r.number("number", number, 1, 9);
  r.texts("names", names);
  r.block("later", [&](config::Reader& b) { b.flag("on", on); });
  r.not_active_yet("later");
  r.finish();
  return nullptr;
}
std::unique_ptr<HttpHandler> create_http(const config::Node&, CreateContext&) {
  return nullptr;
}
constexpr HandlerFactory kHandlers[] = {{"counts", create}};
constexpr HttpFactory kHttp[] = {{"shows", create_http}};

// A module that serves, and one of the same name that is refused.
ModuleHost host() {
  ModuleHost made;
  for (const char* version : {"1.0", "2.0"})
    made.add(make_module_info(SIPWARD_BUILD_ID, "counter", version, offer(kHandlers, kHttp)));
  return made;
}

}  // namespace

TEST_CASE("list-modules tells what each module offers, or why it is refused") {
  std::ostringstream out;
  cli::print_modules(host(), out);
  CHECK(out.str() ==
        "counter 1.0\n  path: \n  handlers: counts\n  http: shows\n"
        "counter: refused: there is a module of that name already: module 'counter'\n  path: \n");
}

TEST_CASE("list-modules --json tells the same") {
  const auto list = cli::modules_json(host());
  REQUIRE(list.size() == 2);
  CHECK(list[0] == boost::json::value{{"name", "counter"},
                                      {"version", "1.0"},
                                      {"path", ""},
                                      {"handlers", {"counts"}},
                                      {"matchers", boost::json::array()},
                                      {"http", {"shows"}},
                                      {"services", boost::json::array()}});
  CHECK(list[1].at("refused") == "there is a module of that name already: module 'counter'");
}

TEST_CASE("list-modules --options tells type, range, default and what is not active") {
  const auto options = cli::describe_options(host());
  std::ostringstream out;
  cli::print_options(options, out);
  CHECK(out.str() ==
        "handler counts (module counter)\n"
        "  number  number, 1 to 9 [5]\n"
        "  names   texts, repeatable\n"
        "  later   block (not active yet)\n"
        "    on  flag [off]\n"
        "HTTP handler shows (module counter)\n");
  CHECK(options[0].at("options").as_array()[0] ==
        boost::json::value{{"name", "number"}, {"type", "number"}, {"detail", "1 to 9"}, {"default", 5}});
}

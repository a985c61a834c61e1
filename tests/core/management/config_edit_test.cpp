#include "management/config_edit.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace sipward;
namespace json = boost::json;

namespace {

constexpr auto kConfig =
    R"({"global":{},"servers":[{"listen":["udp/:5060"],"routes":[{"handle":[1,2]}]},{"listen":[]}],"deep":[[1]]})";

struct Case {
  const char* method;
  ConfigPath path;
  const char* value;
  unsigned status;       // 200: done
  ConfigPath look;       // then
  const char* expected;  // stands there; "" for nothing
};

}  // namespace

TEST_CASE("what stands at a path is found by keys and indexes") {
  const auto root = json::parse(kConfig);
  CHECK(find_config(root, {}) == &root);
  REQUIRE(find_config(root, {"servers", "0", "listen", "0"}));
  CHECK(*find_config(root, {"servers", "0", "listen", "0"}) == "udp/:5060");
  for (const auto& path : {ConfigPath{"none"},
                           {"servers", "2"},
                           {"servers", "-1"},
                           {"servers", "00"},
                           {"servers", "x"},
                           {"servers", "0", "listen", "0", "x"},
                           {""},
                           {"servers", "99999999999999999999999"}}) {
    CAPTURE(path);
    CHECK(find_config(root, path) == nullptr);
  }
}

TEST_CASE("each method changes what it should and refuses the rest") {
  const Case cases[] = {
      {"POST", {"global", "workers"}, "2", 200, {"global"}, R"({"workers":2})"},
      {"POST", {"global"}, R"({"workers":3})", 200, {"global"}, R"({"workers":3})"},
      {"POST",
       {"servers", "0", "listen"},
       R"("tcp/:1")",
       200,
       {"servers", "0", "listen"},
       R"(["udp/:5060","tcp/:1"])"},
      {"POST",
       {"servers", "0", "listen", "..."},
       R"(["a","b"])",
       200,
       {"servers", "0", "listen"},
       R"(["udp/:5060","a","b"])"},
      {"POST", {"servers", "0", "listen", "..."}, R"("a")", 400, {}, nullptr},
      {"POST", {"servers", "0", "listen", "0"}, R"("x")", 200, {"servers", "0", "listen"}, R"(["x"])"},
      {"POST", {"deep", "0"}, "2", 200, {"deep"}, "[[1,2]]"},
      {"POST", {"servers", "7"}, "{}", 404, {}, nullptr},
      {"POST", {"global", "..."}, "[]", 404, {}, nullptr},
      {"POST", {"none", "x"}, "1", 404, {}, nullptr},
      {"POST", {}, R"({"global":{}})", 200, {}, R"({"global":{}})"},
      {"PUT", {"global", "workers"}, "2", 200, {"global", "workers"}, "2"},
      {"PUT", {"global"}, "{}", 409, {}, nullptr},
      {"PUT", {"global", "log", "level"}, R"("INFO")", 200, {"global"}, R"({"log":{"level":"INFO"}})"},
      {"PUT",
       {"servers", "0", "listen", "0"},
       R"("first")",
       200,
       {"servers", "0", "listen"},
       R"(["first","udp/:5060"])"},
      {"PUT",
       {"servers", "0", "listen", "1"},
       R"("last")",
       200,
       {"servers", "0", "listen"},
       R"(["udp/:5060","last"])"},
      {"PUT", {"servers", "0", "listen", "2"}, R"("x")", 404, {}, nullptr},
      {"PUT", {}, "{}", 409, {}, nullptr},
      {"PATCH", {"servers", "0", "listen"}, "[]", 200, {"servers", "0", "listen"}, "[]"},
      {"PATCH", {"servers", "0", "listen", "0"}, R"("x")", 200, {"servers", "0", "listen"}, R"(["x"])"},
      {"PATCH", {"servers", "0", "idle"}, "1", 404, {}, nullptr},
      {"PATCH", {"servers", "5"}, "1", 404, {}, nullptr},
      {"DELETE",
       {"servers", "0", "routes", "0", "handle", "0"},
       "null",
       200,
       {"servers", "0", "routes", "0", "handle"},
       "[2]"},
      {"DELETE", {"global"}, "null", 200, {"global"}, ""},
      {"DELETE", {"none"}, "null", 404, {}, nullptr},
      {"DELETE", {"servers", "2"}, "null", 404, {}, nullptr},
      {"DELETE", {}, "null", 400, {}, nullptr},
  };
  for (const auto& c : cases) {
    CAPTURE(c.method, c.path, c.value);
    auto root = json::parse(kConfig);
    const auto refusal = edit_config(root, c.method, c.path, json::parse(c.value));
    CHECK((refusal ? refusal->status : 200) == c.status);
    if (refusal) {
      CHECK_FALSE(refusal->why.empty());
      continue;
    }
    const auto* value = find_config(root, c.look);
    CHECK((value ? json::serialize(*value) : "") == c.expected);
  }
}

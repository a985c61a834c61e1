#include "cli/json_text.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

TEST_CASE("JSON is printed for people and means the same") {
  const auto value = boost::json::parse(R"({"b":1,"a":[true,null,{"x":"a\"b\n"}],"e":{},"f":[]})");
  const auto text = sipward::cli::pretty(value);
  CHECK(text ==
        "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    {\n      \"x\": \"a\\\"b\\n\"\n    }\n  ],\n"
        "  \"e\": {},\n  \"f\": []\n}\n");
  CHECK(boost::json::parse(text) == value);
  CHECK(sipward::cli::pretty(7) == "7\n");
}

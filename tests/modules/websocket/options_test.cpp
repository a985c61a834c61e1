#include "options.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using Catch::Matchers::Contains;

TEST_CASE("the options of websocket are read and checked") {
  struct Case {
    const char* sipfile;
    const char* says;  // empty: nothing
  };
  for (const Case& c : {
           Case{"websocket", ""},
           Case{"websocket {\n origins https://a.example.com http://b.example.com:8080\n }", ""},
           Case{"websocket {\n max_message_size 16KiB\n max_header_size 4KiB\n max_fragments 1\n }", ""},
           Case{"websocket {\n origins a.example.com\n }", "origins wants origins such as"},
           Case{"websocket {\n origins https://a.example.com/page\n }", "origins wants"},
           Case{"websocket {\n origins https://A.example.com\n }", "origins wants"},
           Case{"websocket {\n max_message_size 2MiB\n }", "max_message_size"},
           Case{"websocket {\n max_fragments 0\n }", "max_fragments"},
           Case{"websocket {\n deflate\n }", "deflate"},
       }) {
    config::Errors errors;
    const auto nodes = config::parse_text("Sipfile", c.sipfile, {}, errors);
    REQUIRE(nodes.size() == 1);
    websocket::read_options(nodes[0], errors);
    INFO(c.sipfile << "\n" << errors.to_string());
    CHECK(errors.ok() == std::string(c.says).empty());
    CHECK_THAT(errors.to_string(), Contains(c.says));
  }
}

#include <catch2/catch.hpp>

#include "observe/escape.hpp"

namespace {

std::string json(std::string_view text) {
  std::string out;
  sipward::observe::append_json_string(out, text);
  return out;
}
std::string console(std::string_view text) {
  std::string out;
  sipward::observe::append_console_value(out, text);
  return out;
}

}  // namespace

TEST_CASE("text from the network is one JSON string and one console word") {
  using namespace std::string_literals;
  struct Row {
    std::string text;
    std::string in_json;
    std::string on_console;
  };
  const Row rows[] = {
      {"192.0.2.1", "\"192.0.2.1\"", "192.0.2.1"},
      {"", "\"\"", "\"\""},
      {"two words", "\"two words\"", "\"two words\""},
      {"a=b", "\"a=b\"", "\"a=b\""},
      {"say \"x\" \\", "\"say \\\"x\\\" \\\\\"", "\"say \\\"x\\\" \\\\\""},
      {"line\nERROR forged", "\"line\\nERROR forged\"", "\"line\\nERROR forged\""},
      {"\r\t", "\"\\r\\t\"", "\"\\u000d\\u0009\""},
      {"\x1b[2J", "\"\\u001b[2J\"", "\"\\u001b[2J\""},
      {"a\0b"s, "\"a\\u0000b\"", "\"a\\u0000b\""},
      {"caf\xC3\xA9", "\"caf\xC3\xA9\"", "\"caf\xC3\xA9\""},
      {"\xC2\x9B", "\"\\u009b\"", "\"\\u009b\""},                            // C1: CSI
      {"\xE2\x80\xAE", "\"\\u202e\"", "\"\\u202e\""},                        // turns the line round
      {"\xFF", "\"\\ufffd\"", "\"\\xff\""},                                  // never UTF-8
      {"\xC0\xAF", "\"\\ufffd\\ufffd\"", "\"\\xc0\\xaf\""},                  // overlong
      {"\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "\"\\xed\\xa0\\x80\""},  // a surrogate
      {"\xE2\x82", "\"\\ufffd\\ufffd\"", "\"\\xe2\\x82\""},                  // cut off
      {"\xF0\x9F\x93\x9E", "\"\xF0\x9F\x93\x9E\"", "\"\xF0\x9F\x93\x9E\""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.in_json);
    CHECK(json(row.text) == row.in_json);
    CHECK(console(row.text) == row.on_console);
  }
}

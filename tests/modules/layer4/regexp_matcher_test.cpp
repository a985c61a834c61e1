#include "regexp_matcher.hpp"

#include "matching.hpp"

using namespace sipward;
using namespace sipward::layer4;

namespace {

Match start(const std::string& line, const std::string& octets, bool complete = false) {
  const RegexpMatcher matcher(read_line(line, read_regexp));
  const auto info = from("192.0.2.1:1", "203.0.113.1:5060");
  return matcher.match_start({info, octets, complete});
}

Match datagram(const std::string& line, const std::string& octets) {
  return match_datagram(RegexpMatcher(read_line(line, read_regexp)), octets);
}

}  // namespace

TEST_CASE("a stream is judged once it has sent as many octets as are looked at, or no more come") {
  const std::string line = "regexp \"^GET /\" 5";
  CHECK(start(line, "") == Match::need_more);
  CHECK(start(line, "GET ") == Match::need_more);
  CHECK(start(line, "PUT ") == Match::need_more);
  CHECK(start(line, "GET /") == Match::yes);
  CHECK(start(line, "GET x") == Match::no);
  CHECK(start(line, "GET ", true) == Match::no);
  CHECK(start("regexp ^A$", "A", true) == Match::yes);
}

TEST_CASE("only the first octets are looked at") {
  CHECK(start("regexp Z 3", "abcZ") == Match::no);
  CHECK(start("regexp Z 4", "abcZ") == Match::yes);
  CHECK(datagram("regexp Z", "abcdZ") == Match::no);
  CHECK(datagram("regexp Z", "Z") == Match::yes);
}

TEST_CASE("a pattern is about octets") {
  CHECK(datagram(R"(regexp "^\\x00\\xff\\x80")", std::string("\x00\xff\x80", 3)) == Match::no);  // \\ is two
  CHECK(datagram("regexp `^\\x00\\xff.$`", std::string("\x00\xff\x80", 3)) == Match::yes);
  CHECK(datagram("regexp `^\\x00\\xff.$`", std::string("\x00\xfe\x80", 3)) == Match::no);
}

TEST_CASE("a pattern that would take other engines forever takes as long as the octets are many") {
  CHECK(datagram("regexp `^(a+)+$` 4096", std::string(4095, 'a') + "b") == Match::no);
}

TEST_CASE("what is no pattern is an error that says why") {
  CHECK_THAT(faults("regexp `(GET`", read_regexp), Catch::Matchers::Contains("missing )"));
  CHECK_THAT(faults("regexp `(a)\\1`", read_regexp), Catch::Matchers::Contains("RE2"));
  CHECK_THAT(faults("regexp `((a{1000}){1000}){1000}`", read_regexp), Catch::Matchers::Contains("RE2"));
  CHECK_FALSE(faults("regexp", read_regexp).empty());
  CHECK_FALSE(faults("regexp a 0", read_regexp).empty());
  CHECK_FALSE(faults("regexp a 4097", read_regexp).empty());
  CHECK_FALSE(faults("regexp a 4 b", read_regexp).empty());
}

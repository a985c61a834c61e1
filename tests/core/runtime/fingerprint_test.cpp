#include "runtime/fingerprint.hpp"

#include <catch2/catch.hpp>

using namespace sipward;

namespace {

std::string of(const std::string& text) {
  config::Errors errors;
  return fingerprint(config::load_text("Sipfile", text, {}, errors));
}

constexpr auto kText =
    "{\n grace_period 3s\n}\nudp/:5060 {\n @sip sip\n route @sip {\n  proxy a b {\n x 1\n }\n }\n}\n:80 {\n "
    "respond 200\n}\n";

}  // namespace

TEST_CASE("comments, blanks and snippets do not count") {
  const std::string snippet = "(s) {\n proxy a b {\n x 1\n }\n}\n";
  auto text = std::string(kText);
  text.insert(text.find("udp/"), "# why\n" + snippet + "\n");
  CHECK(of(text) == of(kText));
  text.replace(text.rfind("  proxy a b {\n x 1\n }"), 21, "  import s");
  CHECK(of(text) == of(kText));
}

TEST_CASE("every word counts, and where it stands") {
  const std::string whole = kText;
  struct Change {
    const char *from, *to;
  };
  for (const auto& [from, to] :
       {Change{"3s", "4s"}, Change{"udp/", "tcp/"}, Change{"@sip sip", "@sip tls"},
        Change{"proxy a b", "proxy ab"}, Change{"proxy a b", "proxy a \"b\""}, Change{"x 1", "x 1 1"},
        Change{"x 1", "x {\n 1\n }"}, Change{" route @sip", " idle_timeout 7s\n route @sip"},
        Change{" route @sip", " route"}, Change{":80", ":81"}, Change{"200", "201"},
        Change{" respond 200", " respond 200\n respond 200"}}) {
    CAPTURE(from, to);
    auto text = whole;
    text.replace(text.find(from), std::string_view(from).size(), to);
    CHECK(of(text) != of(whole));
  }
}

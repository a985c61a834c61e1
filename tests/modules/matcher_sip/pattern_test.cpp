#include "pattern.hpp"

#include <catch2/catch.hpp>

using namespace sipward::matcher_sip;

TEST_CASE("a star stands for anything, everything else for itself") {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Case& c : {
           Case{"example.com", "example.com", true},
           Case{"example.com", "EXAMPLE.com", true},
           Case{"example.com", "example.com.", false},
           Case{"example.com", "www.example.com", false},
           Case{"*.example.com", "www.example.com", true},
           Case{"*.example.com", "example.com", false},
           Case{"*", "", true},
           Case{"*", "anything", true},
           Case{"", "", true},
           Case{"", "a", false},
           Case{"a*", "a", true},
           Case{"a*b", "ab", true},
           Case{"a*b", "aXbXb", true},
           Case{"a*b", "aXbXc", false},
           Case{"*a*b*", "xxaxxbxx", true},
           Case{"*ab*ab*", "abab", true},
           Case{"*ab*ab*", "aab", false},
           Case{"**a**", "xay", true},
           Case{"a.c", "abc", false},
           Case{"a?c", "abc", false},
           Case{"[ab]", "a", false},
           Case{"\\*", "\\anything", true},
       }) {
    INFO(c.pattern << " : " << c.text);
    CHECK(Pattern(c.pattern, Letters::ignore_case).matches(c.text) == c.matches);
  }
  CHECK_FALSE(Pattern("Alice", Letters::keep_case).matches("alice"));
}

TEST_CASE("hostile text costs a bounded amount") {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  pattern += "b";
  // Exponential in a naive matcher; here 8192 x 201 steps at most.
  CHECK_FALSE(Pattern(pattern, Letters::keep_case).matches(std::string(8192, 'a')));
}

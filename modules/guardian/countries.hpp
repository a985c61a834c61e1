#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>

namespace sipward::guardian {

// Two capital letters as a number; kNoCode when they are something else.
using Code = std::uint16_t;
inline constexpr Code kNoCode = 26 * 26;
constexpr Code code_of(std::string_view text) {
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (text.size() != 2 || !letter(text[0]) || !letter(text[1])) return kNoCode;
  return static_cast<Code>((text[0] - 'A') * 26 + (text[1] - 'A'));
}

// A set of countries, or of continents.
class Codes {
 public:
  void add(Code code) {
    if (code < kNoCode) set_.set(code);
  }
  bool contains(Code code) const { return code < kNoCode && set_.test(code); }
  bool empty() const { return set_.none(); }

 private:
  std::bitset<kNoCode> set_;
};

// ISO 3166-1 alpha-2, and XK, which databases use for Kosovo; in alphabetical order.
std::span<const std::string_view> countries();
bool is_country(std::string_view code);
// AF AN AS EU NA OC SA, with the name of each; empty for anything else. AF, AS, NA and SA are countries, too.
std::string_view continent_name(std::string_view code);
// What a country is called that has the code of a continent; empty for all others.
std::string_view namesake(std::string_view code);

}  // namespace sipward::guardian

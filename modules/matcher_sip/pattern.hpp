#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sipward::matcher_sip {

enum class Letters : std::uint8_t { keep_case, ignore_case };

// A text in which each * stands for any octets, none included; everything else stands for itself. There is
// no other wildcard and no escape. Immutable; safe to call from any thread.
class Pattern {
 public:
  static constexpr std::size_t kMaxLength = 255;

  // `text` is at most kMaxLength octets; runs of * count as one. ASCII case only.
  Pattern(std::string_view text, Letters letters);
  // At most (octets of text) x (octets of pattern) steps, whatever an attacker sends.
  bool matches(std::string_view text) const;

 private:
  std::string text_;  // in lower case when letters don't matter
  Letters letters_;
};

// USER@HOST, each with wildcards: the user with case, the host without (RFC 3261 19.1.4).
struct AddressPattern {
  Pattern user;
  Pattern host;
};

}  // namespace sipward::matcher_sip

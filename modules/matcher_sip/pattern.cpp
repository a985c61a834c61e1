#include "pattern.hpp"

namespace sipward::matcher_sip {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Pattern::Pattern(std::string_view text, Letters letters) : letters_(letters) {
  for (const char c : text) {
    if (c == '*' && !text_.empty() && text_.back() == '*') continue;
    text_.push_back(letters == Letters::ignore_case ? lower(c) : c);
  }
}

bool Pattern::matches(std::string_view text) const {
  // The last * is the only one worth going back to: whatever an earlier one could take, it can take too.
  std::size_t at = 0, star = std::string::npos, taken = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = letters_ == Letters::ignore_case ? lower(text[i]) : text[i];
    if (at < text_.size() && text_[at] == '*') {
      star = at++;
      taken = i;
    } else if (at < text_.size() && text_[at] == c) {
      ++at, ++i;
    } else if (star != std::string::npos) {
      at = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (at < text_.size() && text_[at] == '*') ++at;
  return at == text_.size();
}

}  // namespace sipward::matcher_sip

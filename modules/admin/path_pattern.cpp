#include "path_pattern.hpp"

#include <algorithm>

namespace sipward::admin {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::optional<PathPattern> PathPattern::parse(std::string_view text) {
  PathPattern pattern;
  pattern.open_ = text.ends_with('*');
  if (pattern.open_) text.remove_suffix(1);
  if (text.find('*') != std::string_view::npos) return std::nullopt;
  if (!text.starts_with('/') && !(text.empty() && pattern.open_)) return std::nullopt;
  pattern.text_ = text;
  return pattern;
}

bool PathPattern::matches(std::string_view path) const {
  if (open_ ? path.size() < text_.size() : path.size() != text_.size()) return false;
  return std::equal(text_.begin(), text_.end(), path.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::size_t PathPattern::mount() const {
  return open_ && text_.ends_with('/') ? text_.size() - 1 : text_.size();
}

}  // namespace sipward::admin

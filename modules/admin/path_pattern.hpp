#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sipward::admin {

// The path of a `handle`: "/metrics", "/api/*" (everything behind "/api/"), "/api*" or "*". Compared without
// regard to case, as Caddy does. A value.
class PathPattern {
 public:
  // nullopt when it does not begin with a slash or has a star anywhere but at its end.
  static std::optional<PathPattern> parse(std::string_view text);
  bool matches(std::string_view path) const;
  // Longer is more special; the same text without a star beats the one with it.
  std::size_t rank() const { return text_.size() * 2 + (open_ ? 0 : 1); }
  // What stands before the star and its slash: how much of the path an endpoint group does not see, and what
  // handle_path strips.
  std::size_t mount() const;

 private:
  std::string text_;   // without the star
  bool open_ = false;  // there was a star
};

}  // namespace sipward::admin

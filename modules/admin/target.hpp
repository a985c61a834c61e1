#pragma once

#include <string>
#include <string_view>

namespace sipward::admin {

// A request target taken apart and brought to one form, so that no two spellings of a path reach different
// handlers: escapes of unreserved characters are decoded, the others get upper-case digits, dot segments are
// resolved (RFC 3986 6.2.2).
struct Target {
  std::string path;   // begins with a slash
  std::string query;  // behind '?', as sent
  std::string host;   // of an absolute target (RFC 9112 3.2.2), with its port; else empty
};

// False when the target is no path and no http URL, or has a broken escape, a NUL or a character that may not
// stand there.
bool parse_target(std::string_view text, Target& out);

}  // namespace sipward::admin

#include "target.hpp"

#include <algorithm>
#include <vector>

#include "sipward/http.hpp"

namespace sipward::admin {
namespace {

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool normalise_escapes(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (!percent_decode(text.substr(i, 3), decoded) || decoded.size() != 1 || decoded[0] == '\0')
      return false;
    i += 2;
    if (unreserved(decoded[0])) {
      out.push_back(decoded[0]);
      continue;
    }
    const auto octet = static_cast<unsigned char>(decoded[0]);
    out.push_back('%');
    out.push_back(kDigits[octet >> 4U]);
    out.push_back(kDigits[octet & 0xFU]);
  }
  return true;
}

// RFC 3986 5.2.4. Never climbs above the root.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool directory = false;
  path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    directory = segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string out;
  for (const auto segment : kept) {
    out += '/';
    out += segment;
  }
  if (directory || out.empty()) out += '/';
  return out;
}

}  // namespace

bool parse_target(std::string_view text, Target& out) {
  if (!printable(text) || text.find('#') != std::string_view::npos) return false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    out.host = text.substr(0, end);
    text.remove_prefix(end);
    if (out.host.empty() || out.host.find('@') != std::string::npos) return false;
    break;
  }
  const auto question = std::min(text.find('?'), text.size());
  out.query = text.substr(std::min(question + 1, text.size()));
  std::string_view raw = text.substr(0, question);
  if (raw.empty() && !out.host.empty()) raw = "/";
  if (!raw.starts_with('/')) return false;
  std::string path;
  std::string decoded;
  if (!normalise_escapes(raw, path) || !percent_decode(out.query, decoded)) return false;
  out.path = without_dot_segments(path);
  return true;
}

}  // namespace sipward::admin

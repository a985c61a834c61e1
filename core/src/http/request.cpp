#include <algorithm>

#include "observe/escape.hpp"
#include "sipward/http.hpp"

namespace sipward {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// In a query '+' is a blank as well (HTML forms). A broken escape leaves the text as it came.
std::string query_decode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  std::string out;
  return percent_decode(spaced, out) ? out : std::string(text);
}

}  // namespace

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return false;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::string HttpRequest::parameter(std::string_view name, bool* found) const {
  if (found) *found = false;
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto* end = std::find(rest.begin(), rest.end(), '&');
    const auto* equals = std::find(rest.begin(), end, '=');
    const std::string_view key(rest.begin(), equals);
    const std::string_view value(equals == end ? end : equals + 1, end);
    rest = std::string_view(end == rest.end() ? end : end + 1, rest.end());
    if (query_decode(key) != name) continue;
    if (found) *found = true;
    return query_decode(value);
  }
  return {};
}

HttpResponse HttpResponse::error(unsigned status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = "{\"error\":";
  observe::append_json_string(response.body, message);
  response.body += "}\n";
  return response;
}

}  // namespace sipward

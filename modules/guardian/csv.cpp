#include "csv.hpp"

#include <algorithm>
#include <utility>

namespace sipward::guardian {
namespace {

// Takes a quoted field off the front of `text`, which begins behind the opening quote.
bool take_quoted(std::string_view& text, std::string& field) {
  for (;;) {
    const auto quote = text.find('"');
    if (quote == std::string_view::npos) return false;
    field += text.substr(0, quote);
    text.remove_prefix(quote + 1);
    if (text.empty() || text.front() != '"') return text.empty() || text.find_first_of(",\r\n") == 0;
    field += '"';
    text.remove_prefix(1);
  }
}

}  // namespace

std::optional<std::vector<std::vector<std::string>>> read_csv(std::string_view text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> line;
  while (!text.empty()) {
    std::string field;
    if (text.front() == '"') {
      text.remove_prefix(1);
      if (!take_quoted(text, field)) return std::nullopt;
    } else {
      const auto end = std::min(text.find_first_of(",\r\n"), text.size());
      field = text.substr(0, end);
      text.remove_prefix(end);
    }
    line.push_back(std::move(field));
    if (!text.empty() && text.front() == ',') {
      text.remove_prefix(1);
      if (!text.empty()) continue;
      line.emplace_back();
    }
    if (!text.empty() && text.front() == '\r') text.remove_prefix(1);
    if (!text.empty() && text.front() == '\n') text.remove_prefix(1);
    if (line.size() > 1 || !line.front().empty()) lines.push_back(std::exchange(line, {}));
    line.clear();
  }
  return lines;
}

void append_csv(std::string& out, std::string_view field, bool last) {
  if (field.find_first_of("\",\r\n") == std::string_view::npos) {
    out += field;
  } else {
    out += '"';
    for (const char c : field) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += last ? "\r\n" : ",";
}

}  // namespace sipward::guardian

#include "sipward/config/errors.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

namespace sipward::config {
namespace {

constexpr std::size_t kImportsShown = 6;
constexpr std::size_t kExcerpt = 120;  // characters of a source line that are shown

auto place(const Diagnostic& d) {
  return std::make_tuple(d.position.source ? d.position.source->number : 0, d.position.line,
                         d.position.column);
}

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

std::string_view line_of(const Source& source, unsigned line) {
  std::string_view text = source.text;
  for (unsigned i = 1; i < line; ++i) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

// The source line and a caret under the place; a long line is cut around it, and no control character of the
// file reaches the terminal.
void excerpt(std::string& out, const Position& position) {
  if (!position.source || position.line == 0) return;
  const auto line = line_of(*position.source, position.line);
  std::vector<std::string> characters;
  for (char c : line) {
    if (starts_character(c) || characters.empty()) characters.emplace_back();
    const auto code = static_cast<unsigned char>(c);
    characters.back() += (code < 0x20 && c != '\t') || code == 0x7f ? '?' : c;
  }
  const std::size_t caret = position.column > 0 ? position.column - 1 : 0;
  if (characters.empty() || caret > characters.size()) return;
  std::size_t first = 0;
  while (first < characters.size() && (characters[first] == " " || characters[first] == "\t") &&
         first < caret)
    ++first;
  if (caret > first + kExcerpt / 2 && characters.size() - first > kExcerpt) first = caret - kExcerpt / 2;
  const std::size_t last = std::min(characters.size(), first + kExcerpt);
  out += "    ";
  for (std::size_t i = first; i < last; ++i) out += characters[i];
  out += "\n    ";
  for (std::size_t i = first; i < caret; ++i) out += characters[i] == "\t" ? '\t' : ' ';
  out += "^\n";
}

// Edits between two words where swapping neighbours counts once (the usual slip).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] =
          std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::not_active:
      return "not_active";
  }
  return "error";
}

}  // namespace

void Errors::keep(Severity severity, const Position& position, std::string message, std::string suggestion) {
  const auto kept = std::count_if(diagnostics_.begin(), diagnostics_.end(),
                                  [&](const Diagnostic& d) { return d.severity == severity; });
  if (severity == Severity::error) ++errors_;
  if (static_cast<std::size_t>(kept) >= kMaxDiagnostics) {
    ++dropped_;
    return;
  }
  diagnostics_.push_back({severity, position, std::move(message), std::move(suggestion)});
}

void Errors::add(const Position& position, std::string message, std::string suggestion) {
  keep(Severity::error, position, std::move(message), std::move(suggestion));
}

void Errors::warn(const Position& position, std::string message, std::string suggestion) {
  keep(Severity::warning, position, std::move(message), std::move(suggestion));
}

void Errors::not_active(const Position& position, std::string_view what) {
  keep(Severity::not_active, position, std::string(what) + " is not active yet", {});
}

std::size_t Errors::count(Severity severity) const {
  if (severity == Severity::error) return errors_;
  return static_cast<std::size_t>(std::count_if(diagnostics_.begin(), diagnostics_.end(),
                                                [&](const Diagnostic& d) { return d.severity == severity; }));
}

std::vector<Diagnostic> Errors::sorted() const {
  auto result = diagnostics_;
  std::stable_sort(result.begin(), result.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  // A snippet that is imported twice says everything twice.
  const auto same = [](const Diagnostic& a, const Diagnostic& b) {
    return a.severity == b.severity && place(a) == place(b) && a.message == b.message;
  };
  result.erase(std::unique(result.begin(), result.end(), same), result.end());
  return result;
}

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = diagnostic.position.to_string();
  if (!text.empty()) text += ": ";
  if (diagnostic.severity == Severity::warning) text += "warning: ";
  if (diagnostic.severity == Severity::not_active) text += "note: ";
  text += diagnostic.message + "\n";
  excerpt(text, diagnostic.position);
  if (!diagnostic.suggestion.empty()) text += "  did you mean " + quote(diagnostic.suggestion) + "?\n";
  std::size_t imports = 0;
  for (auto via = diagnostic.position.via; via; via = via->via) {
    if (++imports <= kImportsShown) text += "  imported at " + via->to_string() + "\n";
  }
  if (imports > kImportsShown)
    text += "  and " + std::to_string(imports - kImportsShown) + " imports further out\n";
  return text;
}

std::string Errors::to_string() const {
  std::string text;
  for (const auto& diagnostic : sorted()) text += config::to_string(diagnostic);
  if (dropped_ > 0) text += "and " + std::to_string(dropped_) + " more\n";
  return text;
}

boost::json::array Errors::to_json() const {
  boost::json::array result;
  for (const auto& d : sorted()) {
    boost::json::object entry{{"severity", name(d.severity)},
                              {"file", d.position.source ? d.position.source->file : std::string()},
                              {"line", d.position.line},
                              {"column", d.position.column},
                              {"message", d.message}};
    if (!d.suggestion.empty()) entry["suggestion"] = d.suggestion;
    boost::json::array chain;
    for (auto via = d.position.via; via; via = via->via) chain.emplace_back(via->to_string());
    if (!chain.empty()) entry["imported_at"] = std::move(chain);
    result.push_back(std::move(entry));
  }
  return result;
}

void Errors::throw_if_any() const {
  if (!ok()) throw ConfigError(to_string());
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;
  if (word.size() < 2 || word.size() > kLongestWord) return {};
  std::string best;
  std::size_t best_distance = 1 + word.size() / 3;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const auto d = distance(word, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

}  // namespace sipward::config

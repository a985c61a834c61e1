#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/config/node.hpp"

namespace sipward::config {

enum class Severity : std::uint8_t { error, warning, not_active };

struct Diagnostic {
  Severity severity = Severity::error;
  Position position;
  std::string message;
  std::string suggestion;  // the word that was probably meant, or empty
};

// Thrown once, at the top, when a configuration cannot be used; what() is ready to be printed. A module's
// provision() may throw it as well.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Collects whatever there is to say about a configuration, so that one round reports all of it.
// Messages are one line, lower case, and name the thing and the cure. Past kMaxDiagnostics they are only
// counted.
class Errors {
 public:
  static constexpr std::size_t kMaxDiagnostics = 500;

  void add(const Position& position, std::string message, std::string suggestion = {});
  void warn(const Position& position, std::string message, std::string suggestion = {});
  // `what` was read and checked, but the feature behind it is not built yet.
  void not_active(const Position& position, std::string_view what);

  bool ok() const { return errors_ == 0; }  // warnings do not count
  bool empty() const { return diagnostics_.empty(); }
  std::size_t count(Severity severity) const;
  // By file in the order of loading, then line and column; the same thing said twice about one place is kept
  // once.
  std::vector<Diagnostic> sorted() const;

  // FILE:LINE:COLUMN: message, the source line, a caret, "did you mean", the import chain; for all of them.
  std::string to_string() const;
  // An array of {severity, file, line, column, message, suggestion?, imported_at?}.
  boost::json::array to_json() const;
  void throw_if_any() const;  // ConfigError with to_string(), unless ok()

 private:
  void keep(Severity severity, const Position& position, std::string message, std::string suggestion);

  std::vector<Diagnostic> diagnostics_;
  std::size_t errors_ = 0;
  std::size_t dropped_ = 0;
};

std::string to_string(const Diagnostic& diagnostic);  // as printed, ends in a line end

// The candidate nearest to word, near enough to be a slip of the finger; empty when none is.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sipward::config

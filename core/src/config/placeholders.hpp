#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sipward/config/sipfile.hpp"

namespace sipward::config {

// A value in the making: its text, and the same as it was written.
struct Expanded {
  std::string text;
  std::string written;
  bool differs = false;  // there was a placeholder, so `written` is not just `text`
  bool per_connection = false;

  void literal(std::string_view both);
  // What came from outside: a '{' in it is one, also for whoever reads `written`.
  void value(std::string_view text_only);
  void argument(const Arg& arg);
  // Keeps position, quoted and the rest of `arg`.
  void into(Arg& arg) &&;
};

// {env.X}, {file./path} and {system.hostname} become their values when a configuration is loaded; {l4.…} and
// {sip.…} stay, for options that know what to do with them per connection. A `\{` before a letter is a
// literal brace. Values are never looked at a second time.
class Placeholders final {
 public:
  Placeholders(const Environment& environment, Errors& errors) : environment_(environment), errors_(errors) {}

  // Takes what stands at the front of `text`, which begins with '{': a placeholder, or the brace alone.
  void take(std::string_view& text, const Position& position, Expanded& out);
  // A whole text in which nothing but placeholders is special.
  void all(Arg& arg);

 private:
  std::size_t length(std::string_view text, const Position& position);
  void resolve(std::string_view text, const Position& position, Expanded& out);
  std::string environment(std::string_view name, const Position& position);
  std::string file(std::string_view path, const Position& position);

  const Environment& environment_;
  Errors& errors_;
};

// The warning about a variable that is not set.
std::string not_set(std::string_view name, std::string_view how_to_default);

}  // namespace sipward::config

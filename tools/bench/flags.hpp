// The command line of the benchmark programs: `--name value`, `--name=value` and bare switches.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sipward::bench {

// The command line is wrong; the message says what and what was expected.
class UsageError final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class FlagKind { required, optional, toggle };

struct Flag {
  std::string_view name;  // with the two dashes
  FlagKind kind;
  std::string_view fallback;  // the text an optional flag has when it is absent
  std::string_view help;
};

// Unknown, repeated and missing flags throw UsageError from the constructor.
class Flags final {
 public:
  Flags(std::span<const Flag> known, std::span<char* const> arguments);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] const std::string& text(std::string_view name) const;
  // Throws UsageError unless the whole value is a number from `least` to `most`.
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most) const;
  [[nodiscard]] double real(std::string_view name, double least, double most) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

[[nodiscard]] std::string usage(std::string_view program, std::span<const Flag> known);

// Runs `body` and turns what it throws into one line on stderr and the exit code: 2 usage, 1 failed.
// `--help` among the arguments prints the usage and returns 0.
[[nodiscard]] int run_program(std::string_view program, std::span<const Flag> known,
                              std::span<char* const> arguments, int (*body)(const Flags&));

}  // namespace sipward::bench

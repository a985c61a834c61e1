#pragma once

#include <string_view>
#include <vector>

#include "cli/arguments.hpp"

namespace sipward::cli {

inline constexpr int kFine = 0, kFailed = 1, kUsage = 2;  // exit statuses

// One word behind `sipward`.
struct Command {
  std::string_view name, summary, help;  // help goes on after "Usage: "
  std::vector<Flag> flags;               // besides --help
  int (*run)(const Arguments&);          // returns the exit status
};

// Says on standard error what is wrong with how a command was called; returns kUsage.
int usage_error(std::string_view problem);

}  // namespace sipward::cli

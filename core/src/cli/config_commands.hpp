#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"

namespace sipward::cli {

// Commands that work on the text of a configuration or on what surrounds it, and start nothing.
// Each returns the exit status: 0 fine, 1 failed, 2 usage.

extern const std::string_view kFormatHelp;
std::vector<Flag> format_flags();
int format_command(const Arguments& arguments);

extern const std::string_view kEnvironHelp;
int environ_command(const Arguments& arguments);

// The lines of `after` with "+ ", those that only `before` has with "- ", those of both with two spaces.
std::string line_difference(std::string_view before, std::string_view after);

}  // namespace sipward::cli

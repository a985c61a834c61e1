#pragma once

#include <string>
#include <vector>

namespace sipward::cli {

// Runs `sipward ARGS…`; returns the exit status: 0 fine, 1 failed, 2 usage.
int run_command(const std::vector<std::string>& arguments);

}  // namespace sipward::cli

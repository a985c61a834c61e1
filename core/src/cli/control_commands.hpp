#pragma once

#include <vector>

#include "cli/command.hpp"

namespace sipward::cli {

// start, stop and reload: what is said to a server from outside.
std::vector<Command> control_commands();

}  // namespace sipward::cli

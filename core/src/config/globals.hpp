#pragma once

#include "sipward/config/sipfile.hpp"

namespace sipward::config {

// Reads the block of global options (without layer4).
GlobalOptions read_globals(const Node& node, Errors& errors);

}  // namespace sipward::config

#pragma once

#include <string>

#include "sipward/config.hpp"

namespace sipward {

// Everything that a configuration says, and nothing of how it is laid out: equal for two texts that differ
// only in comments, blanks, quotes that mean nothing, or in what they import from where.
std::string fingerprint(const config::Sipfile& sipfile);

}  // namespace sipward

#pragma once

#include <string>

#include "sipward/config/errors.hpp"

namespace sipward::config {

// The text in the one form that all Sipfiles share: four spaces a level, one space between words, at most one
// empty line, comments kept. Quotes and heredocs stay as they are, one-line blocks stay on their line.
// format(format(x)) is format(x), and both load alike; that is checked for every text before it is given
// away. A text that cannot be parsed comes back as it was, with errors.
std::string format(const std::string& file, std::string text, Errors& errors);

}  // namespace sipward::config

#pragma once

#include "options.hpp"

namespace sipward::guardian {

// Asks `reader` for every option of sip_guardian. What it gives is written to `options`, what it does not
// stays as it is there. Options whose feature is not active yet are checked and noted. Control thread.
void read_options(config::Reader& reader, Options& options);

}  // namespace sipward::guardian

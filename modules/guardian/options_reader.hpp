#pragma once

#include "options.hpp"

namespace sipward::guardian {

// Asks `reader` for every option of sip_guardian. What it gives is written to `options`, what it does not
// stays as it is there. Options whose feature is not active yet are checked and noted. Control thread.
void read_options(config::Reader& reader, Options& options);

// Whether a whitelist takes it for the name of a host, or of a service when it begins with '_'.
bool is_name(std::string_view text);

}  // namespace sipward::guardian

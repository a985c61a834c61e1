#pragma once

#include "request.hpp"

namespace sipward::respond {

// REGISTER, RFC 3261 10.3: binds, refreshes, removes and lists contacts of a known user. No credentials are
// asked for.
void take_register(const Request& request);

}  // namespace sipward::respond

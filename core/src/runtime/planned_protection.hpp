#pragma once

#include <vector>

#include "routing/route_tree.hpp"
#include "sipward/build_context.hpp"
#include "sipward/config.hpp"

namespace sipward {

// Who could not be banned if this configuration ran on this machine now. Reads interfaces and routes, asks no
// DNS: names are given as they are written. Each once.
std::vector<Notes::Spared> planned_protection(const config::Sipfile& sipfile, const RouteTree& tree);

}  // namespace sipward

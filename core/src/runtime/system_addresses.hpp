#pragma once

#include <vector>

#include "sipward/net.hpp"

namespace sipward {

// The name servers of /etc/resolv.conf and the default gateways: addresses whose ban would cut the machine
// off. What can't be read is left out.
std::vector<Address> system_addresses();

}  // namespace sipward

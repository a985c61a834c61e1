#pragma once

#include <string_view>
#include <vector>

#include "sipward/net.hpp"

namespace sipward {

// Addresses whose ban would cut the machine off: the name servers of /etc/resolv.conf, and the default
// gateways of both families. What can't be read is left out.
std::vector<Address> system_name_servers();
std::vector<Address> default_gateways();
// 127.0.0.1, ::1, and the addresses of every interface but lo.
std::vector<Address> interface_addresses();

// As ProtectedAddresses::add() wants it, and as `validate` prints it.
inline constexpr std::string_view kWhyOwn = "an address of this server";
inline constexpr std::string_view kWhyResolver = "a resolver";
inline constexpr std::string_view kWhyGateway = "the default gateway";

}  // namespace sipward

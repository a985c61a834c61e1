#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "algorithm.hpp"

namespace sipward::digest_auth {

enum class Role : std::uint8_t {
  server,  // 401 and WWW-Authenticate: of a registrar or another server
  proxy,   // 407 and Proxy-Authenticate
};

struct Challenge {
  std::string_view realm;
  std::string_view nonce;
  bool stale = false;
  bool auth_int = false;
};
// Appends a header line for each algorithm, in this order, as RFC 8760 2.4 wants them.
void append_challenge(Role role, const Challenge& challenge, const std::vector<Algorithm>& algorithms,
                      std::string& out);

}  // namespace sipward::digest_auth

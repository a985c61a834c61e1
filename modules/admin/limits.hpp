#pragma once

#include <chrono>
#include <cstddef>

namespace sipward::admin {

// What one client may cost. Every wait for a client ends by one of these.
struct HttpLimits {
  std::size_t header_octets = 8 * 1024;  // beyond it 431
  std::size_t body_octets = 64 * 1024;   // beyond it 413
  std::size_t connections = 256;
  std::size_t connections_per_client = 64;        // an IPv6 /64 is one client
  std::chrono::milliseconds header_time{10'000};  // the whole header, and the first octet of a connection
  std::chrono::milliseconds body_time{10'000};
  std::chrono::milliseconds write_time{10'000};  // the whole response
  std::chrono::milliseconds idle_time{60'000};   // between requests
};

}  // namespace sipward::admin

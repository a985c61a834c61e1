#pragma once

#include <chrono>
#include <cstddef>

namespace sipward::admin {

// What one client may cost, besides a site's max_body. Every wait for a client ends by one of these.
struct HttpLimits {
  std::size_t header_octets = 8 * 1024;  // beyond it 431
  std::size_t connections = 256;
  std::size_t connections_per_client = 64;        // an IPv6 /64 is one client
  std::chrono::milliseconds header_time{10'000};  // the whole header, and the first octet of a connection
  std::chrono::milliseconds body_time{10'000};
  std::chrono::milliseconds write_time{10'000};   // the whole response
  std::chrono::milliseconds idle_time{60'000};    // between requests
  std::chrono::milliseconds later_time{60'000};   // an answer that another thread makes; beyond it 504
  std::chrono::milliseconds stream_idle{15'000};  // a stream says that it lives when it has said nothing else
};

}  // namespace sipward::admin

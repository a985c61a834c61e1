#pragma once

#include <array>
#include <string_view>

#include "sipward/metrics.hpp"

namespace sipward {

// What core itself counts. Label values are the enums' words, in order.
struct RuntimeMetrics {
  enum Datagram : std::size_t { sip, keep_alive, stun, rtp, dtls, short_noise, truncated };
  enum Drop : std::size_t { unmatched, unhandled, handler_error, unframed, no_route, by_handler, own_ack };
  enum Connection : std::size_t { accepted, refused, too_many };

  explicit RuntimeMetrics(Metrics& metrics);

  Counter datagrams, dropped, connections, connections_ended, sent, send_failed, handed_over;
};

}  // namespace sipward

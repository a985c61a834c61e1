#pragma once

#include <array>
#include <string_view>

#include "sipward/metrics.hpp"

namespace sipward {

// What core itself counts. Label values are the enums' words, in order.
struct RuntimeMetrics {
  enum Datagram : std::size_t { sip, keep_alive, stun, rtp, dtls, short_noise, truncated };
  enum Drop : std::size_t {
    unmatched,
    unhandled,
    handler_error,
    unframed,
    no_route,
    by_handler,
    own_ack,
    overloaded,  // the worker that owns the source has as much waiting as it may
  };
  enum Connection : std::size_t {
    accepted,
    refused,   // by a handler
    too_many,  // of one source
    too_fast,  // of one source
    full,      // as many as there may be in all, and none whose place could be taken
    gone,      // reset before we came to accept it
  };

  explicit RuntimeMetrics(Metrics& metrics);

  Counter datagrams, dropped, connections;
  Counter connections_ended, upstreams_ended;  // by StreamEnd
  Counter framing_errors;                      // by sip::FramingError
  Counter held, sent, send_failed, handed_over;
};

}  // namespace sipward

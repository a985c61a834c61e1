#pragma once

#include "sipward/metrics.hpp"

namespace sipward::proxy {

// What the proxy counts; label values in the enums' order.
struct ProxyMetrics {
  enum Way : std::size_t { to_upstream, to_client };
  enum Drop : std::size_t {
    no_upstream,           // its name has not resolved yet
    unframed,              // where the message ends is in doubt
    stray_response,        // answers no request that went through (RFC 3261 16.7)
    stray_request,         // the upstream called nobody we know
    transaction_conflict,  // another client's transaction has the same key
    no_socket,             // out of descriptors or ports
    transport,             // a UDP client and an upstream that is a stream
    flows_full,            // a proven source got no socket of its own; it shares the pool
    upstreams_down,        // every check says so
    upstreams_full,        // those that are up drain, or have as many clients as they may
  };
  explicit ProxyMetrics(Metrics& metrics);
  Counter forwarded, dropped;
  Counter failures;  // by Failure
  Counter retries;   // requests that went on to another upstream
  Counter checks;    // alive, dead
  Counter changes;   // up, down
};

}  // namespace sipward::proxy

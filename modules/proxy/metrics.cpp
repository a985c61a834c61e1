#include "metrics.hpp"

#include <array>

namespace sipward::proxy {
namespace {

constexpr std::array<std::string_view, 2> kWays{"upstream", "client"};
constexpr std::array<std::string_view, 10> kDrops{
    "no_upstream", "unframed",  "stray_response", "stray_request",  "transaction_conflict",
    "no_socket",   "transport", "flows_full",     "upstreams_down", "upstreams_full"};
constexpr std::array<std::string_view, 3> kFailures{"refused", "unreachable", "unanswered"};
constexpr std::array<std::string_view, 2> kChecks{"alive", "dead"};
constexpr std::array<std::string_view, 2> kChanges{"up", "down"};

}  // namespace

ProxyMetrics::ProxyMetrics(Metrics& m)
    : forwarded(m.counter("sip_proxy_forwarded_total", "Messages forwarded, by where to.", "to", kWays)),
      dropped(
          m.counter("sip_proxy_dropped_total", "Messages that could not be forwarded.", "reason", kDrops)),
      failures(
          m.counter("sip_proxy_upstream_failures_total",
                    "Times that an upstream refused, could not be reached, or left a request unanswered.",
                    "reason", kFailures)),
      retries(m.counter("sip_proxy_upstream_retries_total",
                        "Requests that nobody had answered and that went to another upstream.")),
      checks(m.counter("sip_proxy_upstream_checks_total", "Health checks of upstreams.", "result", kChecks)),
      changes(m.counter("sip_proxy_upstream_changes_total",
                        "Times that health checks found an upstream up again, or down.", "to", kChanges)) {}

}  // namespace sipward::proxy

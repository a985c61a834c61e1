#include "metrics.hpp"

#include <array>

namespace sipward::proxy {
namespace {

constexpr std::array<std::string_view, 2> kWays{"upstream", "client"};
constexpr std::array<std::string_view, 8> kDrops{
    "no_upstream",          "unframed",  "stray_response", "stray_request",
    "transaction_conflict", "no_socket", "transport",      "flows_full"};

}  // namespace

ProxyMetrics::ProxyMetrics(Metrics& m)
    : forwarded(m.counter("sip_proxy_forwarded_total", "Messages forwarded, by where to.", "to", kWays)),
      dropped(
          m.counter("sip_proxy_dropped_total", "Messages that could not be forwarded.", "reason", kDrops)) {}

}  // namespace sipward::proxy

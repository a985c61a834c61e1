#include "runtime/runtime_metrics.hpp"

namespace sipward {
namespace {

constexpr std::array<std::string_view, 7> kDatagrams{"sip",  "keep_alive",  "stun",     "rtp",
                                                     "dtls", "short_noise", "truncated"};
constexpr std::array<std::string_view, 7> kDrops{"unmatched", "unhandled",  "handler_error", "unframed",
                                                 "no_route",  "by_handler", "own_ack"};
constexpr std::array<std::string_view, 3> kConnections{"accepted", "refused", "too_many"};
// In the order of StreamEnd.
constexpr std::array<std::string_view, 10> kEnds{
    "closed_by_us", "closed_by_peer", "error",        "framing",       "head_timeout",
    "body_timeout", "first_timeout",  "idle_timeout", "write_timeout", "too_much_queued"};

}  // namespace

RuntimeMetrics::RuntimeMetrics(Metrics& m)
    : datagrams(
          m.counter("sipward_datagrams_total", "Datagrams received, by what they are.", "kind", kDatagrams)),
      dropped(m.counter("sipward_dropped_total", "Messages that core did not pass on.", "reason", kDrops)),
      connections(
          m.counter("sipward_connections_total", "Streams that clients opened.", "result", kConnections)),
      connections_ended(m.counter("sipward_connections_ended_total", "Streams of clients that ended, by why.",
                                  "reason", kEnds)),
      sent(m.counter("sipward_datagrams_sent_total", "Datagrams given to the kernel.")),
      send_failed(
          m.counter("sipward_datagrams_send_failed_total", "Datagrams that the kernel did not take.")),
      handed_over(m.counter("sipward_handed_over_total",
                            "Messages that reached a worker which does not own them.")) {}

}  // namespace sipward

#include "runtime/runtime_metrics.hpp"

#include "sipward/sip/framer.hpp"
#include "sipward/stream.hpp"

namespace sipward {
namespace {

constexpr std::array<std::string_view, 7> kDatagrams{"sip",  "keep_alive",  "stun",     "rtp",
                                                     "dtls", "short_noise", "truncated"};
constexpr std::array<std::string_view, 8> kDrops{"unmatched", "unhandled",  "handler_error", "unframed",
                                                 "no_route",  "by_handler", "own_ack",       "overloaded"};
constexpr std::array<std::string_view, 6> kConnections{"accepted", "refused", "too_many",
                                                       "too_fast", "full",    "gone"};

// The words of an enum whose values count up from 0.
template <class Enum, std::size_t N>
std::array<std::string_view, N> words() {
  std::array<std::string_view, N> result;
  for (std::size_t i = 0; i < N; ++i) result[i] = to_string(static_cast<Enum>(i));
  return result;
}

}  // namespace

RuntimeMetrics::RuntimeMetrics(Metrics& m)
    : datagrams(
          m.counter("sipward_datagrams_total", "Datagrams received, by what they are.", "kind", kDatagrams)),
      dropped(m.counter("sipward_dropped_total", "Messages that core did not pass on.", "reason", kDrops)),
      connections(
          m.counter("sipward_connections_total", "Streams that clients opened.", "result", kConnections)),
      connections_ended(m.counter("sipward_connections_ended_total", "Streams of clients that ended, by why.",
                                  "reason", words<StreamEnd, kStreamEnds>())),
      upstreams_ended(m.counter("sipward_upstream_connections_ended_total",
                                "Streams to upstreams that ended, by why.", "reason",
                                words<StreamEnd, kStreamEnds>())),
      framing_errors(m.counter("sipward_framing_errors_total",
                               "Streams of clients that could not be cut into messages, by why.", "error",
                               words<sip::FramingError, sip::kFramingErrors>())),
      held(m.counter("sipward_connections_held_total",
                     "Times that a client's stream had to wait for answers to its requests.")),
      sent(m.counter("sipward_datagrams_sent_total", "Datagrams given to the kernel.")),
      send_failed(
          m.counter("sipward_datagrams_send_failed_total", "Datagrams that the kernel did not take.")),
      handed_over(m.counter("sipward_handed_over_total",
                            "Messages that reached a worker which does not own them.")) {}

}  // namespace sipward

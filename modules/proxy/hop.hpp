#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "hop_marks.hpp"
#include "hop_ports.hpp"
#include "metrics.hpp"
#include "sipward/packet.hpp"
#include "sipward/sip/edit.hpp"
#include "sipward/worker.hpp"

namespace sipward::proxy {

class Hops;

// One worker's SIP proxy between clients and upstreams (RFC 3261 16): messages get our Via and lose it, count
// a hop, keep us on the route of their dialog. Between two UDP sides it keeps nothing of a transaction that
// Sources does not know anyway: the ends retransmit (RFC 3261 16.11).
class Hop final : private BatchEnd {
 public:
  // A message of an upstream that another worker received, and how many workers had it.
  struct Received {
    Endpoint from;
    std::string octets;
    std::size_t tried = 0;
  };
  // Our own values on top of a Route, and what they stand for.
  struct OwnRoute {
    std::size_t values = 0;
    bool sealed = false;  // `flow` was written by us, for this dialog or registration
    Flow flow;
  };

  Hop(Worker& worker, Hops& all);

  // From a client, after every guard. A request goes to `upstream`; what the route says wins if it is ours.
  OwnRoute read_route(Packet& packet);
  Verdict request(Packet& packet, const OwnRoute& route, const Endpoint& upstream);
  Verdict answer(Packet& packet);

  // A datagram of an upstream.
  void from_upstream(const Endpoint& from, std::string_view octets, std::size_t tried = 0);
  // Whether one of our upstreams is there: exactly, or by any port.
  bool is_upstream(const Endpoint& endpoint);
  bool is_upstream(const Address& address);

 private:
  void batch_end() override;
  void refresh_upstreams(Duration age);
  Verdict drop(ProxyMetrics::Drop reason);
  void hand_over(std::size_t worker, const Endpoint& from, std::string_view octets, std::size_t tried);
  OwnRoute read_route(sip::Message& message, const Endpoint* outside);
  void drop_routes(const OwnRoute& own, bool keep_others);
  void record_route(sip::Message& message, const Flow& flow, const HopPorts::Port& inside, bool to_upstream);
  bool pop_via(sip::Message& message, sip::Via& next);
  void answer_of_upstream(const Endpoint& from, std::string_view octets, std::size_t tried);
  void request_of_upstream(const Endpoint& from, std::string_view octets, std::size_t tried);
  bool find_client(sip::Message& message, const OwnRoute& route, Flow& flow) const;
  void refuse_upstream(const Endpoint& to, int status, std::string_view extra);

  Worker& worker_;
  Hops& all_;
  const ProxyMetrics& metrics_;
  const Marks& marks_;
  HopPorts ports_;
  std::vector<Endpoint> upstreams_;  // sorted
  Time asked_upstreams_{};
  std::vector<std::vector<Received>> handed_;  // by worker

  sip::Message message_;  // of an upstream, as it came
  Packet packet_;         // the same, as it goes on
  sip::Edit edit_;
  std::string lines_, out_, scratch_;
};

}  // namespace sipward::proxy

#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "hop_exchanges.hpp"
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
// Sources does not know anyway: the ends retransmit (RFC 3261 16.11). Between UDP and a stream it does (see
// Exchanges).
class Hop final : private BatchEnd, private Exchanges::Ways {
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
  enum class Found : std::uint8_t { nobody, gone, client };

  void batch_end() override;
  void send_request(Exchange& exchange, std::string_view octets) override;
  void send_answer(Exchange& exchange, std::string_view octets) override;
  void give_up(Exchange& exchange) override;
  void tick_later();
  void know_stream(const Peer& peer);
  bool reaches(const Peer& peer) const;
  void to_upstream(const Endpoint& upstream, std::string_view octets);
  bool deliver(const Peer& peer);
  std::uint64_t exchange_key(const Branch& branch, sip::Method method) const;
  bool taken(Packet& packet, std::uint64_t key);
  bool taken_of_upstream(const Endpoint& from, std::uint64_t key);
  void refresh_upstreams(Duration age);
  Verdict drop(ProxyMetrics::Drop reason);
  void hand_over(std::size_t worker, const Endpoint& from, std::string_view octets, std::size_t tried);
  OwnRoute read_route(sip::Message& message, const Endpoint* outside);
  void drop_routes(const OwnRoute& own, bool keep_others);
  void record_route(sip::Message& message, const Flow& flow, const HopPorts::Port& inside, bool to_upstream);
  bool pop_via(sip::Message& message, sip::Via& next);
  void answer_of_upstream(const Endpoint& from, std::string_view octets, std::size_t tried);
  void request_of_upstream(const Endpoint& from, std::string_view octets, std::size_t tried);
  Found find_client(sip::Message& message, const OwnRoute& route, Peer& client) const;
  void answer_upstream(const Endpoint& to, int status, std::string_view extra);
  void say_length(const sip::Message& message);

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

  Exchanges exchanges_;
  boost::asio::steady_timer timer_;
  bool ticking_ = false;
  std::shared_ptr<std::unordered_set<ConnectionId>> streams_;  // of clients, that still live
};

}  // namespace sipward::proxy

#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "conversations.hpp"
#include "metrics.hpp"
#include "pool.hpp"
#include "sipward/packet.hpp"
#include "sipward/worker.hpp"
#include "upstream_events.hpp"

namespace sipward::proxy {

// Which upstream a message goes to. `target` is null when it can go nowhere; then `why` says why.
struct Choice {
  Target* target = nullptr;
  ProxyMetrics::Drop why = ProxyMetrics::no_upstream;
};

// One worker's: gives each message its upstream and remembers it, so that what belongs together stays
// together. A conversation is known by its Call-ID and the client's address: a transaction with its ACK and
// CANCEL, a dialog of either side's, a registration with its refreshes. Besides, a registered client's new
// requests go to where it is registered. Only what belongs to nothing yet is balanced.
class Balancer final : public UpstreamEvents {
 public:
  static constexpr std::size_t kConversations = 1 << 15;
  static constexpr auto kUnanswered = std::chrono::seconds(5);  // then a request counts as such

  Balancer(Worker& worker, Targets& targets, const ProxyMetrics& metrics,
           std::size_t conversations = kConversations);

  // The upstream for a client's message: an inbound packet that is no keep-alive and has a message in it.
  // `has_flow` tells whether its client has a connection or socket of its own to a target.
  Choice choose(Packet& packet, const Pool& pool, const std::function<bool(const Target&)>& has_flow);
  // Looks for requests that nobody answered; now and then.
  void sweep(Time now);
  const Conversations& conversations() const { return conversations_; }

  void heard(Packet& packet, const Endpoint& upstream, Transport transport) override;
  void sent(Packet& packet, const Endpoint& upstream, Transport transport) override;
  void failed(const Endpoint& upstream, Transport transport, Failure why) override;
  void opened(const Endpoint& upstream, Transport transport) override;
  void closed(const Endpoint& upstream, Transport transport) override;
  bool is_home(const Peer& client, const Endpoint& upstream, Transport transport) override;

 private:
  using Members = Pool::Members;
  struct Question;  // what choose() is about

  std::uint64_t key_of(const Packet& packet, std::string_view call_id) const;
  std::uint64_t key_of(const Peer& client) const;
  const Pool::Member* stay(Question& q, Conversation& c);
  const Pool::Member* home(Question& q);
  const Pool::Member* named(Question& q) const;
  const Pool::Member* balance(Question& q, Choice& choice);
  bool usable(const Question& q, const Pool::Member& member) const;
  bool was_tried(const Question& q, const Target& target);
  void remember(Question& q, const Target& target);
  void follow(Packet& packet, Conversation& c);
  void answered(Packet& packet, Conversation& c);
  void registered(Packet& packet, Conversation& c);

  Worker& worker_;
  const ProxyMetrics& metrics_;
  Conversations conversations_;
};

}  // namespace sipward::proxy

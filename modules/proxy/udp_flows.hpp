#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "metrics.hpp"
#include "sipward/packet.hpp"
#include "sipward/worker.hpp"
#include "upstream_events.hpp"

namespace sipward::proxy {

// One worker's UDP sockets towards upstreams. A source that proved its address has one of its own (a flow):
// the upstream sees one address and port per client, and reaches a registered phone through it. Everybody
// else shares a few sockets per upstream, so that forged sources use up neither ports nor memory; answers
// find back by their transaction, requests of the upstream by registration or dialog.
class UdpFlows {
 public:
  static constexpr std::size_t kPoolSize = 4;    // sockets per upstream address and listener
  static constexpr std::size_t kMaxPools = 256;  // at a time
  static constexpr auto kSweepEvery = std::chrono::seconds(5);
  static constexpr auto kIdle = std::chrono::minutes(5);  // a flow without registration or call
  static constexpr auto kCallIdle = std::chrono::hours(24);

  // `events`, if any, must outlive it.
  UdpFlows(Worker& worker, const ProxyMetrics& metrics, std::size_t max_flows,
           UpstreamEvents* events = nullptr);
  ~UdpFlows();
  UdpFlows(const UdpFlows&) = delete;
  UdpFlows& operator=(const UdpFlows&) = delete;

  // Forwards a client's message to that upstream.
  Verdict forward(Packet& packet, const Endpoint& upstream);
  // The client sent a keep-alive: its flows go on.
  void touch(const Peer& peer);
  // Whether the client has a flow to that upstream.
  bool has(const Peer& peer, const Endpoint& upstream) const { return find(peer, upstream) != nullptr; }
  void sweep(Time now);
  std::size_t size() const { return by_use_.size(); }

 private:
  struct Flow : boost::intrusive::list_base_hook<> {
    Peer peer;
    Endpoint upstream;
    std::unique_ptr<UdpPort> port;
    Time last_used{};
    bool call = false;
  };
  struct Pool {
    Endpoint upstream;
    std::uint32_t listener = 0;  // transactions are told apart by it
    std::array<std::unique_ptr<UdpPort>, kPoolSize> ports;
    Time last_used{};
  };
  struct Key {
    Endpoint remote;
    std::uint32_t listener;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    HashKey key;
    std::size_t operator()(const Key& k) const noexcept { return keyed_hash(key, k.remote) + k.listener; }
  };

  Flow* find(const Peer& peer, const Endpoint& upstream) const;
  void used(Flow& flow);
  void close(const Peer& peer);
  Flow* open(Packet& packet, const Endpoint& upstream);
  std::unique_ptr<UdpPort> open_port(const Endpoint& upstream, Worker::Receive receive);
  void heard(const Endpoint& upstream);
  void left(const Flow& flow);
  bool make_place(Time now);
  bool worth_keeping(const Flow& flow, Time now) const;
  void erase(Flow& flow);
  Verdict forward_pooled(Packet& packet, const Endpoint& upstream);
  Pool* pool(const Endpoint& upstream, std::uint32_t listener);
  void from_upstream(Flow& flow, std::string_view octets);
  void from_upstream(const Endpoint& upstream, std::uint32_t listener, std::size_t member,
                     std::string_view octets);
  static void note_call(Flow& flow, sip::Message& message);
  Verdict drop(ProxyMetrics::Drop reason);

  Worker& worker_;
  const ProxyMetrics& metrics_;
  std::size_t max_flows_;
  UpstreamEvents* events_;
  // A client has a flow for each upstream that its messages go to; mostly that is one.
  std::unordered_map<Key, std::vector<std::unique_ptr<Flow>>, KeyHash> flows_;
  boost::intrusive::list<Flow> by_use_;  // the longest unused first
  std::vector<std::unique_ptr<Pool>> pools_;
  Packet packet_;
};

}  // namespace sipward::proxy

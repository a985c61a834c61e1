#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics.hpp"
#include "sipward/packet.hpp"
#include "sipward/stream.hpp"
#include "upstream_events.hpp"

namespace sipward::proxy {

class Pool;

// One worker's connections to upstreams: one for each client connection and upstream that its messages go to,
// so that the upstream can call a client back over it. Whichever side is slow stops the other side's reading.
// The client's end ends all of its connections; the end of one of these ends the client's, when it was the
// last or the one that the client is registered by.
class StreamFlows final : public SipStream::Owner {
 public:
  static constexpr std::size_t kHighWater =
      std::size_t{256} * 1024;  // queued octets at which the other side is paused
  static constexpr auto kConnectTimeout = std::chrono::seconds(5);

  // A message that an upstream never got, because no connection to it came about.
  using Unsent = std::function<void(const std::shared_ptr<const Pool>&, const Peer& client,
                                    const std::string& octets, const Endpoint& failed)>;

  // `events`, if any, must outlive it.
  StreamFlows(Worker& worker, const ProxyMetrics& metrics, UpstreamEvents* events = nullptr);
  ~StreamFlows() override;

  // What a pool with another upstream to try gives is told of when it could not be sent.
  Verdict forward(Packet& packet, const Endpoint& upstream, const std::shared_ptr<const Pool>& pool = {});
  void on_unsent(Unsent unsent) { unsent_ = std::move(unsent); }
  // Whether the client has a connection to that upstream.
  bool has(const Peer& peer, const Endpoint& upstream) const;
  std::size_t size() const { return flows_.size(); }  // clients

 private:
  struct Flow {
    Endpoint upstream;
    std::shared_ptr<SipStream> stream;
    bool reached = false;               // the upstream took something
    std::weak_ptr<const Pool> pool{};   // with what follows
    std::vector<std::string> unsent{};  // while it is not reached: at most kHighWater
  };
  struct Client {
    Peer peer;
    std::vector<Flow> flows;
  };
  Client& client(const Peer& peer);
  Flow& open(Client& client, const Endpoint& upstream);
  Flow* find(SipStream& stream);

  void on_message(SipStream& stream, std::string_view octets) override;
  void on_drained(SipStream& stream) override;
  void on_ended(SipStream& stream, StreamEnd why) override;

  Worker& worker_;
  const ProxyMetrics& metrics_;
  UpstreamEvents* events_;
  Unsent unsent_;
  std::unordered_map<ConnectionId, Client> flows_;  // as many as client connections at most
  Packet packet_;
};

}  // namespace sipward::proxy

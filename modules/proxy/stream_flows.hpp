#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics.hpp"
#include "sipward/packet.hpp"
#include "sipward/stream.hpp"

namespace sipward::proxy {

// One worker's connections to upstreams: one for each client connection and upstream that its messages go to,
// so that the upstream can call a client back over it. Whichever side is slow stops the other side's reading;
// whichever ends, ends both.
class StreamFlows final : public SipStream::Owner {
 public:
  static constexpr std::size_t kHighWater =
      std::size_t{256} * 1024;  // queued octets at which the other side is paused
  static constexpr auto kConnectTimeout = std::chrono::seconds(5);

  StreamFlows(Worker& worker, const ProxyMetrics& metrics);
  ~StreamFlows() override;

  Verdict forward(Packet& packet, const Endpoint& upstream);
  // Whether the client has a connection to that upstream.
  bool has(const Peer& peer, const Endpoint& upstream) const;
  std::size_t size() const { return flows_.size(); }  // clients

 private:
  struct Flow {
    Endpoint upstream;
    std::shared_ptr<SipStream> stream;
  };
  struct Client {
    Peer peer;
    std::vector<Flow> flows;
  };
  Client& client(const Peer& peer);
  SipStream& open(Client& client, const Endpoint& upstream);

  void on_message(SipStream& stream, std::string_view octets) override;
  void on_drained(SipStream& stream) override;
  void on_ended(SipStream& stream, StreamEnd why) override;

  Worker& worker_;
  const ProxyMetrics& metrics_;
  std::unordered_map<ConnectionId, Client> flows_;  // as many as client connections at most
  Packet packet_;
};

}  // namespace sipward::proxy

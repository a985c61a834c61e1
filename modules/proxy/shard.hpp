#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "balancer.hpp"
#include "metrics.hpp"
#include "pool.hpp"
#include "sipward/build_context.hpp"
#include "sipward/services.hpp"
#include "stream_flows.hpp"
#include "udp_flows.hpp"

namespace sipward::proxy {

// What one worker owns of the proxy's state.
class Shard {
 public:
  Shard(Worker& worker, Targets& targets, const ProxyMetrics& metrics, std::size_t max_flows);
  ~Shard();

  // Sends a client's message, which can be read and cut, to one of the pool's upstreams.
  Verdict forward(Packet& packet, const std::shared_ptr<const Pool>& pool);
  // The upstream for a client's message, for those who send it by other ways; they tell events() of it. When
  // there is none, refuse() answers.
  Choice choose(Packet& packet, const Pool& pool);
  Verdict refuse(Packet& packet, ProxyMetrics::Drop why);
  UpstreamEvents& events() { return balancer_; }
  // The client sent a keep-alive: its flows go on.
  void touch(const Peer& peer) { udp_.touch(peer); }

 private:
  Verdict send(Packet& packet, const std::shared_ptr<const Pool>& pool, const Target& target);
  void again(const std::shared_ptr<const Pool>& pool, const Peer& client, const std::string& octets,
             const Endpoint& failed);
  void sweep_later();

  Worker& worker_;
  const ProxyMetrics& metrics_;
  Balancer balancer_;
  UdpFlows udp_;
  StreamFlows streams_;
  Packet packet_;
  boost::asio::steady_timer timer_;
};

// All of them; the service "proxy/flows/1", which outlives reloads. Shards are made by their workers.
class Shards final : public Service {
 public:
  static constexpr std::size_t kMaxFlows =
      20'000;  // UDP sources with a socket of their own, over all workers

  explicit Shards(BuildContext& context);
  ~Shards() override;

  Shard& at(Worker& worker) {
    auto& shard = shards_[worker.index()];
    if (!shard) shard = make(worker);
    return *shard;
  }
  const ProxyMetrics& metrics() const { return *metrics_; }

 private:
  std::unique_ptr<Shard> make(Worker& worker) const;

  Workers& workers_;
  std::shared_ptr<Targets> targets_;
  std::shared_ptr<const ProxyMetrics> metrics_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sipward::proxy

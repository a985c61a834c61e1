#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "metrics.hpp"
#include "sipward/build_context.hpp"
#include "sipward/services.hpp"
#include "stream_flows.hpp"
#include "udp_flows.hpp"

namespace sipward::proxy {

// What one worker owns of the proxy's state.
struct Shard {
  Shard(Worker& worker, const ProxyMetrics& metrics, std::size_t max_flows);
  ~Shard();

  // Which of `count` upstreams a source was given last; a source stays with it for as long as it keeps
  // coming.
  struct Given {
    std::uint64_t source = 0;
    Time until{};
    std::uint32_t index = 0;
  };
  Given& given(const Endpoint& source);

  UdpFlows udp;
  StreamFlows streams;
  std::uint32_t turn = 0;  // of round_robin

 private:
  void sweep_later();

  Worker& worker_;
  boost::asio::steady_timer timer_;
  std::vector<Given> given_;  // direct-mapped by a secret hash: bounded, and a collision costs a new turn
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
  const ProxyMetrics& metrics() const { return metrics_; }

 private:
  std::unique_ptr<Shard> make(Worker& worker) const;

  Workers& workers_;
  ProxyMetrics metrics_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sipward::proxy

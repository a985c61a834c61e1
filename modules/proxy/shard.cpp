#include "shard.hpp"

namespace sipward::proxy {
namespace {

constexpr std::size_t kGiven = 1 << 14;

}  // namespace

Shard::Shard(Worker& worker, const ProxyMetrics& metrics, std::size_t max_flows)
    : udp(worker, metrics, max_flows),
      streams(worker, metrics),
      worker_(worker),
      timer_(worker.io()),
      given_(kGiven) {
  sweep_later();
}

Shard::~Shard() = default;

Shard::Given& Shard::given(const Endpoint& source) {
  const auto hash = keyed_hash(worker_.sources().key(), source);
  auto& slot = given_[hash % kGiven];
  if (slot.source != hash || slot.until <= worker_.now()) slot = {hash, Time{}, 0};
  return slot;
}

void Shard::sweep_later() {
  timer_.expires_after(UdpFlows::kSweepEvery);
  timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    udp.sweep(worker_.now());
    sweep_later();
  });
}

Shards::Shards(BuildContext& context)
    : workers_(context.workers), metrics_(context.metrics), shards_(context.workers.count()) {}

// Sockets and timers belong to their workers' threads, so that is where they end.
Shards::~Shards() {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (shards_[i])
      workers_.post(i, [shard = std::make_shared<std::unique_ptr<Shard>>(std::move(shards_[i]))](Worker&) {
        shard->reset();
      });
}

std::unique_ptr<Shard> Shards::make(Worker& worker) const {
  return std::make_unique<Shard>(worker, metrics_, kMaxFlows / workers_.count());
}

}  // namespace sipward::proxy

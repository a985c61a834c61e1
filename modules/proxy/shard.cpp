#include "shard.hpp"

namespace sipward::proxy {
namespace {

// A client that is told so tries again soon, or elsewhere (RFC 3263 4.3).
constexpr std::string_view kRetryAfter = "Retry-After: 5\r\n";

}  // namespace

Shard::Shard(Worker& worker, Targets& targets, const ProxyMetrics& metrics, std::size_t max_flows)
    : worker_(worker),
      metrics_(metrics),
      balancer_(worker, targets, metrics),
      udp_(worker, metrics, max_flows, &balancer_),
      streams_(worker, metrics, &balancer_),
      packet_(worker, Direction::inbound),
      timer_(worker.io()) {
  streams_.on_unsent([this](const auto& pool, const Peer& client, const std::string& octets,
                            const Endpoint& failed) { again(pool, client, octets, failed); });
  sweep_later();
}

Shard::~Shard() = default;

Choice Shard::choose(Packet& packet, const Pool& pool) {
  return balancer_.choose(packet, pool, [&](const Target& target) {
    return is_stream(target.transport()) ? streams_.has(packet.peer(), target.endpoint())
                                         : udp_.has(packet.peer(), target.endpoint());
  });
}

Verdict Shard::forward(Packet& packet, const std::shared_ptr<const Pool>& pool) {
  const auto choice = choose(packet, *pool);
  return choice.target ? send(packet, pool, *choice.target) : refuse(packet, choice.why);
}

Verdict Shard::send(Packet& packet, const std::shared_ptr<const Pool>& pool, const Target& target) {
  return is_stream(target.transport()) ? streams_.forward(packet, target.endpoint(), pool)
                                       : udp_.forward(packet, target.endpoint());
}

// Whoever proved its address is told that there is nobody to ask; to a forger's victim we stay silent. It
// weighs nothing against anybody.
Verdict Shard::refuse(Packet& packet, ProxyMetrics::Drop why) {
  metrics_.dropped.add(worker_.index(), why);
  auto& message = packet.sip();
  if (message.kind() != sip::Kind::request || message.method() == sip::Method::ack ||
      why == ProxyMetrics::transport || packet.standing().evidence == Evidence::unproven)
    return Verdict::drop;
  worker_.reply(packet, 503, "Service Unavailable", kRetryAfter);
  return Verdict::consumed;
}

// What an upstream never got, because no connection to it came about.
void Shard::again(const std::shared_ptr<const Pool>& pool, const Peer& client, const std::string& octets,
                  const Endpoint& failed) {
  packet_.assign(client, octets);
  const auto choice = choose(packet_, *pool);
  if (choice.target && choice.target->endpoint() != failed) {
    send(packet_, pool, *choice.target);
  } else {
    refuse(packet_, choice.target ? ProxyMetrics::upstreams_down : choice.why);
  }
}

void Shard::sweep_later() {
  timer_.expires_after(UdpFlows::kSweepEvery);
  timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    udp_.sweep(worker_.now());
    balancer_.sweep(worker_.now());
    sweep_later();
  });
}

Shards::Shards(BuildContext& context)
    : workers_(context.workers),
      targets_(Targets::get(context)),
      metrics_(std::make_shared<const ProxyMetrics>(context.metrics)),
      shards_(context.workers.count()) {}

// Sockets and timers belong to their workers' threads, so that is where they end.
Shards::~Shards() {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (shards_[i])
      workers_.post(i, [shard = std::make_shared<std::unique_ptr<Shard>>(std::move(shards_[i])),
                        metrics = metrics_, targets = targets_](Worker&) { shard->reset(); });
}

std::unique_ptr<Shard> Shards::make(Worker& worker) const {
  return std::make_unique<Shard>(worker, *targets_, *metrics_, kMaxFlows / workers_.count());
}

}  // namespace sipward::proxy

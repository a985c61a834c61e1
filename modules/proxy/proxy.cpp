#include "proxy.hpp"

#include "upstream_endpoints.hpp"

namespace sipward::proxy {

void Proxy::provision(BuildContext& context) {
  shards_ = context.services.find_or_make<Shards>("proxy/flows/1",
                                                  [&] { return std::make_shared<Shards>(context); });
  pool_ = Pool::make(options_.pool, context);
  list_upstreams(pool_, context);
}

Verdict Proxy::on_inbound(Packet& packet) const {
  auto& worker = packet.worker();
  auto& shard = shards_->at(worker);
  if (packet.is_keep_alive()) {
    shard.touch(packet.peer());
    return Verdict::consumed;
  }
  auto& message = packet.sip();
  if (message.kind() == sip::Kind::not_sip || !message.framed()) {
    shards_->metrics().dropped.add(worker.index(), ProxyMetrics::unframed);
    return Verdict::drop;
  }
  return shard.forward(packet, pool_);
}

}  // namespace sipward::proxy

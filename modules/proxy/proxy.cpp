#include "proxy.hpp"

#include "upstream_endpoints.hpp"

namespace sipward::proxy {

void Proxy::provision(BuildContext& context) {
  shards_ = context.services.find_or_make<Shards>("proxy/flows/1",
                                                  [&] { return std::make_shared<Shards>(context); });
  pool_ = Pool::make(options_.pool, context);
  list_upstreams(pool_, context);
  if (options_.source != SourceMode::sip) return;
  hops_ = Hops::get(options_.hop.source_port, shards_, context);
  for (const auto& upstream : pool_->upstreams()) hops_->add(upstream);
}

Verdict Proxy::hop(Packet& packet) const {
  auto& worker = packet.worker();
  auto& shard = shards_->at(worker);
  auto& hop = hops_->at(worker);
  const auto drop = [&](ProxyMetrics::Drop reason) {
    shards_->metrics().dropped.add(worker.index(), reason);
    return Verdict::drop;
  };
  if (packet.is_keep_alive()) return Verdict::consumed;
  auto& message = packet.sip();
  if (message.kind() == sip::Kind::not_sip || !message.framed()) return drop(ProxyMetrics::unframed);
  if (message.kind() == sip::Kind::response) return hop.answer(packet);
  const auto route = hop.read_route(packet);
  if (route.sealed && hop.is_upstream(route.flow.upstream.address)) {
    shard.events().sent(packet, route.flow.upstream, Transport::udp);
    return hop.request(packet, route, route.flow.upstream);
  }
  const auto choice = shard.choose(packet, *pool_);
  if (!choice.target) return shard.refuse(packet, choice.why);
  if (is_stream(choice.target->transport())) return drop(ProxyMetrics::transport);
  return hop.request(packet, route, choice.target->endpoint());
}

// By address and port: on a machine that has phones too, their ports differ.
bool Proxy::is_upstream(Worker& worker, const Source& source) const {
  return hops_ && hops_->at(worker).is_upstream(source.remote);
}

void Proxy::from_upstream(Packet& packet) const {
  hops_->at(packet.worker()).from_upstream(packet.peer().remote, packet.octets());
}

Verdict Proxy::on_inbound(Packet& packet) const {
  if (hops_) return hop(packet);
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

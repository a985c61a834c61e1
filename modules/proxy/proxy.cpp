#include "proxy.hpp"

#include "upstream_list.hpp"

namespace sipward::proxy {
namespace {

constexpr auto kStay = std::chrono::minutes(5);

}  // namespace

void Proxy::provision(BuildContext& context) {
  shards_ = context.services.find_or_make<Shards>("proxy/flows/1",
                                                  [&] { return std::make_shared<Shards>(context); });
  for (const auto& address : options_.upstreams) {
    upstreams_.push_back(Upstream::get(address, context));
    list_upstream(upstreams_.back(), context);
  }
  if (options_.source != SourceMode::sip) return;
  hops_ = Hops::get(options_.hop.source_port, context);
  for (const auto& upstream : upstreams_) hops_->add(upstream);
}

// One of the upstreams whose name has resolved; the same one for a source as long as it keeps coming, or has
// a flow or connection to it.
const Upstream* Proxy::choose(Packet& packet, Shard& shard, Endpoint& endpoint) const {
  const auto worker = packet.worker().index();
  const auto count = static_cast<std::uint32_t>(upstreams_.size());
  const auto& peer = packet.peer();
  for (std::uint32_t i = 0; count > 1 && i < count; ++i) {
    endpoint = upstreams_[i]->endpoint(worker);
    if (upstreams_[i]->is_stream(peer.transport) ? shard.streams.has(peer, endpoint)
                                                 : shard.udp.has(peer, endpoint))
      return upstreams_[i].get();
  }
  std::uint32_t first = 0;
  if (count > 1 && options_.policy == Policy::ip_hash) {
    first = static_cast<std::uint32_t>(
        keyed_hash(packet.worker().sources().key(), packet.peer().remote.address) % count);
  } else if (count > 1 && options_.policy == Policy::random) {
    // A secret hash of the source: chance for whoever looks, and no state to keep.
    first =
        static_cast<std::uint32_t>(keyed_hash(packet.worker().sources().key(), packet.peer().remote) % count);
  } else if (count > 1 && options_.policy != Policy::first) {
    auto& given = shard.given(packet.peer().remote);
    if (given.until == Time{}) given.index = shard.turn++;
    given.until = packet.now() + kStay;
    first = given.index % count;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& upstream = *upstreams_[(first + i) % count];
    endpoint = upstream.endpoint(worker);
    if (!endpoint.address.is_unspecified()) return &upstream;
  }
  return nullptr;
}

Verdict Proxy::hop(Packet& packet) const {
  auto& worker = packet.worker();
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
  if (route.sealed && hop.is_upstream(route.flow.upstream.address))
    return hop.request(packet, route, route.flow.upstream);
  Endpoint upstream;
  const auto* chosen = choose(packet, shards_->at(worker), upstream);
  if (!chosen) return drop(ProxyMetrics::no_upstream);
  if (chosen->is_stream(packet.transport())) return drop(ProxyMetrics::transport);
  return hop.request(packet, route, upstream);
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
  const bool client_is_stream = is_stream(packet.transport());
  if (packet.is_keep_alive()) {
    shard.udp.touch(packet.peer());
    return Verdict::consumed;
  }
  const auto drop = [&](ProxyMetrics::Drop reason) {
    shards_->metrics().dropped.add(worker.index(), reason);
    return Verdict::drop;
  };
  auto& message = packet.sip();
  if (message.kind() == sip::Kind::not_sip || !message.framed()) return drop(ProxyMetrics::unframed);
  Endpoint endpoint;
  const auto* upstream = choose(packet, shard, endpoint);
  if (!upstream) return drop(ProxyMetrics::no_upstream);
  if (upstream->is_stream(packet.transport()))
    return client_is_stream ? shard.streams.forward(packet, endpoint) : drop(ProxyMetrics::transport);
  return shard.udp.forward(packet, endpoint);
}

}  // namespace sipward::proxy

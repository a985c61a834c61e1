#include "routing/layers.hpp"

#include <algorithm>

#include "routing/route_tree.hpp"
#include "sipward/worker.hpp"

namespace sipward {

LayerKind layer_kind(std::string_view directive) {
  if (directive == "proxy_protocol") return LayerKind::header;
  if (directive == "tls") return LayerKind::tls;
  return directive == "websocket" ? LayerKind::websocket : LayerKind::other;
}

LayerList layers_of(const RouteServer& server, const Route& route, Transport accepted,
                    std::span<const LayerId> gone_through) {
  LayerList list;
  const auto own = [&](LayerKind kind) {
    return [kind](const Layer& layer) { return kind_of(layer.id) == kind; };
  };
  const auto missing = [&](LayerKind kind) {
    return !route.transit && std::none_of(route.layers.begin(), route.layers.end(), own(kind)) &&
           std::none_of(gone_through.begin(), gone_through.end(),
                        [&](LayerId id) { return kind_of(id) == kind; });
  };
  const bool secure = accepted == Transport::tls || accepted == Transport::wss;
  const bool web = accepted == Transport::ws || accepted == Transport::wss;
  const bool add_tls = secure && server.tls.handler && missing(LayerKind::tls);
  const bool add_web = web && server.websocket.handler && missing(LayerKind::websocket);
  // Headers, then TLS, then WebSocket.
  auto it = std::find_if_not(route.layers.begin(), route.layers.end(), own(LayerKind::header));
  const auto tls = std::find_if(it, route.layers.end(), own(LayerKind::tls));
  const auto last = tls == route.layers.end() ? it : tls + 1;
  std::for_each(route.layers.begin(), last, [&](const Layer& layer) { list.add(layer); });
  if (add_tls) list.add(server.tls);
  if (add_web) list.add(server.websocket);
  std::for_each(last, route.layers.end(), [&](const Layer& layer) { list.add(layer); });
  return list;
}

LayerWalk::LayerWalk(const RouteServer& server, const Peer& peer, const Worker& worker)
    : server_(server), any_(!server.layered || !is_stream(peer.transport)) {
  if (any_) return;
  if (const auto* info = worker.stream_info(peer)) {
    accepted_ = info->accepted;
    layers_ = info->layers;
  }
}

bool LayerWalk::same(LayerId gone_through, LayerId asked) const {
  return gone_through == asked || (gone_through >> 32 == asked >> 32 && !server_.knows_layer(gone_through));
}

bool LayerWalk::reaches(const Route& route) {
  if (any_) return !route.transit;
  const auto asked = layers_of(server_, route, accepted_, layers_.first(used_));
  const auto left = layers_.size() - used_;
  if (asked.size() > left || (!route.transit && asked.size() != left)) return false;
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (!same(layers_[used_ + i], asked[i].id)) return false;
  if (route.transit) used_ += asked.size();
  return !route.transit;
}

}  // namespace sipward

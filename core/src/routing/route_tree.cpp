#include "routing/route_tree.hpp"

namespace sipward {

void RouteServer::prepare() {
  layered = !implied.empty();
  raw = false;
  for (auto& route : routes) {
    layered = layered || !route.layers.empty();
    // Over WebSocket there are messages, of SIP (RFC 7118), and no octets.
    const auto web = [](const config::Listener& l) {
      return l.address.transport == Transport::ws || l.address.transport == Transport::wss;
    };
    if (std::any_of(listen.begin(), listen.end(), web)) route.sip = true;
    raw = raw || (!route.sip && !route.transit);
  }
}

bool RouteServer::knows_layer(LayerId id) const {
  const auto is = [id](const Layer& layer) { return layer.id == id; };
  return is(tls) || is(websocket) || std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
           return std::any_of(route.layers.begin(), route.layers.end(), is);
         });
}

}  // namespace sipward

#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "routing/layers.hpp"
#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/foresight.hpp"
#include "sipward/handler.hpp"
#include "sipward/http.hpp"
#include "sipward/packet.hpp"
#include "sipward/upstream_side.hpp"

namespace sipward {

using MatcherSet = std::vector<std::unique_ptr<Matcher>>;  // ANDed, in this order

// A message that comes back, and one that a flow of long ago receives, must run through the handlers of the
// route that its client's messages take, although a reload may have moved, changed or removed it. So a Peer
// names route and handler by what the Sipfile calls them, not by where they stand: a route is known by the
// names of its matcher sets (and its place among routes with the same), a handler by its directive
// (likewise).
struct Route {
  static constexpr std::size_t kMaxHandlers = 255;

  RouteId id = 0;
  std::vector<const MatcherSet*> match;  // ORed; empty takes everything
  std::vector<std::unique_ptr<Handler>> handlers;
  std::vector<HandlerId> names;  // of the handlers; those of a route made by hand are known by their place
  std::vector<Layer> layers;     // those of the handlers that are
  bool sip = true;               // false: a byte route
  bool transit = false;          // layers alone: what came through them goes on to the routes behind it

  HandlerId name(std::size_t i) const { return i < names.size() ? names[i] : static_cast<HandlerId>(i + 1); }
  // How many handlers stand before the one of that name; where this route has none, before the first that
  // ends the chain.
  std::size_t before(HandlerId forwarder) const {
    std::size_t i = 0;
    while (i < handlers.size() && name(i) != forwarder) ++i;
    if (i < handlers.size()) return i;
    const auto end =
        std::find_if(handlers.begin(), handlers.end(), [](const auto& h) { return h->terminal(); });
    return static_cast<std::size_t>(end - handlers.begin());
  }
};

// A layer-4 server: what its listeners run.
struct RouteServer {
  std::vector<config::Listener> listen;
  std::vector<std::unique_ptr<MatcherSet>> sets;
  std::vector<Route> routes;
  std::vector<const UpstreamSide*> upstream_sides;  // those of the routes' handlers; see find_upstream_sides
  std::vector<const Foresight*> foresights;         // those of its handlers that want to know who comes
  std::chrono::milliseconds idle_timeout{};
  std::chrono::milliseconds matching_timeout{std::chrono::seconds(3)};
  bool can_serve = true;  // false: a route needs a stream layer that is not active yet; not opened
  // What listeners of tls/, ws/, wss/ put under routes that bring no such layer themselves.
  std::vector<std::unique_ptr<Handler>> implied;
  Layer tls, websocket;  // of these
  bool layered = false;  // some stream goes through a layer
  bool raw = false;      // some route is a byte route

  // After routes and implied layers were filled in.
  void prepare();
  bool knows_layer(LayerId id) const;

  // Once the routes are complete.
  void find_upstream_sides() {
    for (const auto& route : routes)
      for (const auto& handler : route.handlers)
        if (const auto* side = dynamic_cast<const UpstreamSide*>(handler.get()))
          upstream_sides.push_back(side);
  }
  const Route* find(RouteId id) const {
    for (const auto& route : routes)
      if (route.id == id) return &route;
    return nullptr;
  }
};

// One configuration, ready to run. Immutable once published. Made and destroyed on the control thread.
struct RouteTree {
  std::shared_ptr<BuildScope> scope = std::make_shared<BuildScope>();
  HttpEndpoints endpoints;
  std::vector<std::unique_ptr<RouteServer>> servers;
  std::shared_ptr<std::vector<HttpSite>> sites = std::make_shared<std::vector<HttpSite>>();
  std::shared_ptr<HttpServer> http;
};

// What workers read: who serves what comes in by a listener. Those that the configuration no longer lists are
// served until their time of grace is over, so it may hold on to an older tree.
struct Routing {
  std::vector<std::shared_ptr<const RouteServer>>
      by_listener;  // by its number; nullptr for one that is closed

  const RouteServer* server(std::uint32_t listener) const {
    return listener < by_listener.size() ? by_listener[listener].get() : nullptr;
  }
};

}  // namespace sipward

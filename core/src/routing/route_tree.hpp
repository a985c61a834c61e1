#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/foresight.hpp"
#include "sipward/handler.hpp"
#include "sipward/http.hpp"
#include "sipward/packet.hpp"

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
  std::vector<const Foresight*> foresights;  // those of its handlers that want to know who comes
  std::chrono::milliseconds idle_timeout{};
  bool can_serve = true;  // false: a route needs a stream layer that is not active yet; not opened

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

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/handler.hpp"
#include "sipward/http.hpp"

namespace sipward {

using MatcherSet = std::vector<std::unique_ptr<Matcher>>;  // ANDed, in this order

struct Route {
  std::vector<const MatcherSet*> match;  // ORed; empty takes everything
  std::vector<std::unique_ptr<Handler>> handlers;
};

// A layer-4 server: what its listeners run.
struct RouteServer {
  std::vector<config::Listener> listen;
  std::vector<std::unique_ptr<MatcherSet>> sets;
  std::vector<Route> routes;
  std::chrono::milliseconds idle_timeout{};
  bool can_serve = true;  // false: a route needs a stream layer that is not active yet; not opened
};

// One configuration, ready to run. Immutable once published; every worker reads it. Made and destroyed on the
// control thread.
struct RouteTree {
  std::shared_ptr<BuildScope> scope = std::make_shared<BuildScope>();
  HttpEndpoints endpoints;
  std::vector<std::unique_ptr<RouteServer>> servers;
  std::shared_ptr<std::vector<HttpSite>> sites = std::make_shared<std::vector<HttpSite>>();
  std::shared_ptr<HttpServer> http;
  // The server of each listener, by the listener's number; nullptr for one that this tree does not have.
  std::vector<const RouteServer*> by_listener;

  const RouteServer* server(std::uint32_t listener) const {
    return listener < by_listener.size() ? by_listener[listener] : nullptr;
  }
};

}  // namespace sipward

#include "routing/chain.hpp"

#include <algorithm>

#include "runtime/own_reply.hpp"

namespace sipward {
namespace {

bool set_admits(const MatcherSet& set, const Source& source) {
  return std::all_of(set.begin(), set.end(), [&](const auto& matcher) { return matcher->admits(source); });
}

bool route_admits(const Route& route, const Source& source) {
  return route.match.empty() || std::any_of(route.match.begin(), route.match.end(),
                                            [&](const auto* set) { return set_admits(*set, source); });
}

bool set_matches(const MatcherSet& set, Packet& packet) {
  return std::all_of(set.begin(), set.end(),
                     [&](const auto& matcher) { return matcher->match(packet) == Match::yes; });
}

bool route_matches(const Route& route, Packet& packet) {
  return route.match.empty() || std::any_of(route.match.begin(), route.match.end(),
                                            [&](const auto* set) { return set_matches(*set, packet); });
}

// The route that takes the client's messages now that the one they took is gone.
const Route* taker(const RouteServer& server, Packet& packet) {
  const Source source{packet.peer().remote, packet.peer().local, packet.transport()};
  for (const auto& route : server.routes)
    if (route_admits(route, source) && route_matches(route, packet)) return &route;
  return nullptr;
}

bool handlers_admit(const Route& route, Worker& worker, const Source& source) {
  return std::all_of(route.handlers.begin(), route.handlers.end(),
                     [&](const auto& handler) { return handler->on_admit(worker, source) == Verdict::next; });
}

}  // namespace

ChainEnd run_inbound(const RouteServer& server, Packet& packet) {
  const Source source{packet.peer().remote, packet.peer().local, packet.transport()};
  if (!is_stream(source.transport))
    for (const auto* side : server.upstream_sides)
      if (side->is_upstream(packet.worker(), source)) {
        side->from_upstream(packet);
        return ChainEnd::handled;
      }
  for (const auto& route : server.routes) {
    if (!route_admits(route, source)) continue;
    if (!handlers_admit(route, packet.worker(), source)) return ChainEnd::refused;
    if (!route_matches(route, packet)) continue;
    if (!packet.is_keep_alive() && acknowledges_own_reply(packet.worker().sources().key(), packet.sip()))
      return ChainEnd::own_ack;
    auto peer = packet.peer();
    peer.route = route.id;
    for (std::size_t i = 0; i < route.handlers.size(); ++i) {
      peer.handler = route.name(i);
      packet.set_peer(peer);
      switch (route.handlers[i]->on_inbound(packet)) {
        case Verdict::next:
          break;
        case Verdict::consumed:
          return ChainEnd::handled;
        case Verdict::drop:
          return ChainEnd::dropped;
      }
    }
    return ChainEnd::unhandled;
  }
  return ChainEnd::unmatched;
}

ChainEnd run_outbound(const RouteServer& server, Packet& packet) {
  const auto& peer = packet.peer();
  const auto* route = server.find(peer.route);
  if (!route) route = taker(server, packet);
  if (!route) return ChainEnd::unmatched;
  for (auto i = route->before(peer.handler); i-- > 0;) {
    switch (route->handlers[i]->on_outbound(packet)) {
      case Verdict::next:
        break;
      case Verdict::consumed:
        return ChainEnd::unhandled;
      case Verdict::drop:
        return ChainEnd::dropped;
    }
  }
  return ChainEnd::handled;
}

bool admit(const RouteServer& server, Worker& worker, const Source& source) {
  bool some_route = false;
  for (const auto& route : server.routes) {
    if (!route_admits(route, source)) continue;
    if (!handlers_admit(route, worker, source)) return false;
    some_route = true;
  }
  return some_route;
}

void tell_fault(const RouteServer& server, Worker& worker, const Source& source, std::string_view fault) {
  for (const auto& route : server.routes) {
    if (!route_admits(route, source)) continue;
    for (const auto& handler : route.handlers) handler->on_stream_fault(worker, source, fault);
    return;
  }
}

}  // namespace sipward

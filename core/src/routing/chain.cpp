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

// Messages go to routes that deal with SIP; byte routes take datagrams of any kind, and see only octets.
bool takes_kind(const Route& route, Packet& packet) {
  if (route.sip) return !packet.is_raw();
  return !is_stream(packet.transport());
}

// The route that takes the client's messages now that the one they took is gone.
const Route* taker(const RouteServer& server, Packet& packet) {
  const Source source{packet.peer().remote, packet.peer().local, packet.transport()};
  LayerWalk walk(server, packet.peer(), packet.worker());
  for (const auto& route : server.routes) {
    if (!walk.reaches(route) || !takes_kind(route, packet)) continue;
    if (route_admits(route, source) && route_matches(route, packet)) return &route;
  }
  return nullptr;
}

Match set_takes(const MatcherSet& set, const StreamStart& start) {
  auto result = Match::yes;
  for (const auto& matcher : set) {
    const auto match = matcher->match_start(start);
    if (match == Match::no || (match == Match::need_more && start.complete)) return Match::no;
    if (match == Match::need_more) result = Match::need_more;
  }
  return result;
}

Match route_takes(const Route& route, const StreamStart& start) {
  if (route.match.empty()) return Match::yes;
  auto result = Match::no;
  for (const auto* set : route.match) {
    if (!set_admits(*set, start.info.source)) continue;
    const auto match = set_takes(*set, start);
    if (match == Match::yes) return match;
    if (match == Match::need_more) result = match;
  }
  return result;
}

bool handlers_admit(const Route& route, Worker& worker, const Source& source) {
  return std::all_of(route.handlers.begin(), route.handlers.end(),
                     [&](const auto& handler) { return handler->on_admit(worker, source) == Verdict::next; });
}

}  // namespace

ChainEnd run_inbound(const RouteServer& server, Packet& packet) {
  const Source source{packet.peer().remote, packet.peer().local, packet.transport()};
  if (!is_stream(source.transport) && !packet.is_raw())
    for (const auto* side : server.upstream_sides)
      if (side->is_upstream(packet.worker(), source)) {
        side->from_upstream(packet);
        return ChainEnd::handled;
      }
  LayerWalk walk(server, packet.peer(), packet.worker());
  for (const auto& route : server.routes) {
    if (!walk.reaches(route) || !takes_kind(route, packet) || !route_admits(route, source)) continue;
    if (!handlers_admit(route, packet.worker(), source)) return ChainEnd::refused;
    if (!route_matches(route, packet)) continue;
    if (!route.sip) {
      packet.set_raw(true);
      packet.set_keep_alive(false);
    }
    if (!packet.is_raw() && !packet.is_keep_alive() &&
        acknowledges_own_reply(packet.worker().sources().key(), packet.sip()))
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

StreamChoice choose_route(const RouteServer& server, std::size_t from, const StreamStart& start) {
  const auto none = server.routes.size();
  std::size_t first = none;
  bool alike = true;
  LayerList layers;
  for (auto i = from; i < none; ++i) {
    const auto& route = server.routes[i];
    if (!route_admits(route, start.info.source)) continue;
    if (!route.sip || route.transit) {
      alike = false;
      break;
    }
    const auto its = layers_of(server, route, start.info.accepted, start.info.layers);
    if (first == none) {
      first = i;
      layers = its;
    } else if (its != layers) {
      alike = false;
      break;
    }
  }
  // Whichever takes its messages, the stream is treated the same.
  if (alike) return {first == none ? Match::no : Match::yes, first};
  for (auto i = from; i < none; ++i) {
    if (!route_admits(server.routes[i], start.info.source)) continue;
    const auto match = route_takes(server.routes[i], start);
    if (match != Match::no) return {match, i};
  }
  return {Match::no, none};
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

bool relays(const RouteServer& server, const Source& source) {
  return std::any_of(server.routes.begin(), server.routes.end(), [&](const Route& route) {
    return !route.layers.empty() && route_admits(route, source) &&
           std::any_of(route.layers.begin(), route.layers.end(),
                       [&](const Layer& layer) { return layer.handler->relays(source); });
  });
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

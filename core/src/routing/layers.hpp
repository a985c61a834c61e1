#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sipward/byte_stream.hpp"
#include "sipward/handler.hpp"
#include "sipward/packet.hpp"

namespace sipward {

struct Route;
struct RouteServer;

// What core must know of a layer: where it belongs in the order, and whether a listener's transport asks for
// it.
enum class LayerKind : std::uint8_t {
  other,
  header,  // proxy_protocol: before everything else
  tls,
  websocket,  // over TLS or not (RFC 7118)
};
LayerKind layer_kind(std::string_view directive);

// A layer's directive in the upper half, all that it says in the lower, its kind in the lowest bits: the same
// through reloads as long as the Sipfile says the same.
using LayerId = std::uint64_t;
inline constexpr LayerId kLayerKindBits = 3;
constexpr LayerKind kind_of(LayerId id) {
  return static_cast<LayerKind>(id & kLayerKindBits);
}

struct Layer {
  const Handler* handler = nullptr;
  LayerId id = 0;
};

// Pointers to the layers of one stream in one route, in their order.
class LayerList {
 public:
  static constexpr std::size_t kMost = 16;  // of a route, and two that its listener implies
  void add(const Layer& layer) {
    if (size_ < layers_.size()) layers_[size_++] = &layer;
  }
  std::size_t size() const { return size_; }
  const Layer& operator[](std::size_t i) const { return *layers_[i]; }
  // Whether they say the same, wherever they stand.
  bool operator==(const LayerList& other) const {
    return std::equal(layers_.begin(), layers_.begin() + size_, other.layers_.begin(),
                      other.layers_.begin() + other.size_,
                      [](const Layer* a, const Layer* b) { return a->id == b->id; });
  }

 private:
  std::array<const Layer*, kMost + 2> layers_{};
  std::size_t size_ = 0;
};

// What a stream that was accepted for that transport, and went through these layers already, goes through in
// that route: the route's own, and those that the transport implies and nothing has brought.
LayerList layers_of(const RouteServer& server, const Route& route, Transport accepted,
                    std::span<const LayerId> gone_through);

// What messages are said to come by above that layer.
constexpr Transport above(LayerKind kind, Transport below) {
  if (kind == LayerKind::tls) return Transport::tls;
  if (kind != LayerKind::websocket) return below;
  return below == Transport::tls || below == Transport::wss ? Transport::wss : Transport::ws;
}

// Follows a stream's messages through the routes, in their order, by the layers that the stream went through:
// a message came by those layers, and a route that asks for others (a client's certificate) is none of its
// business. A layer that the configuration does not know any more counts as the one of its name, so that a
// stream goes on after a reload.
class LayerWalk {
 public:
  // For one message; datagrams have no layers.
  LayerWalk(const RouteServer& server, const Peer& peer, const Worker& worker);
  // To be asked for each route, in order.
  bool reaches(const Route& route);

 private:
  bool same(LayerId gone_through, LayerId asked) const;

  const RouteServer& server_;
  Transport accepted_ = Transport::tcp;
  std::span<const LayerId> layers_;
  bool any_;  // layers don't matter
  std::size_t used_ = 0;
};

}  // namespace sipward

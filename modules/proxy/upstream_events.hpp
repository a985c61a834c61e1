#pragma once

#include <cstdint>

#include "sipward/net.hpp"
#include "sipward/packet.hpp"

namespace sipward::proxy {

// Why an upstream was of no use.
enum class Failure : std::uint8_t {
  refused,      // an ICMP error, or a connection that was refused
  unreachable,  // no way there, or no connection in time
  unanswered,   // a request had no answer, and nothing else came either
};

// What whoever sends to upstreams has to tell of them. On the worker.
class UpstreamEvents {
 public:
  virtual ~UpstreamEvents() = default;
  // A message came from there; the packet's peer is its client.
  virtual void heard(Packet& packet, const Endpoint& upstream, Transport transport) = 0;
  // A client's message that nobody had to choose an upstream for goes there: it says so itself.
  virtual void sent(Packet& packet, const Endpoint& upstream, Transport transport) = 0;
  virtual void failed(const Endpoint& upstream, Transport transport, Failure why) = 0;
  // A client has a connection or a socket of its own to it, and no longer.
  virtual void opened(const Endpoint& upstream, Transport transport) = 0;
  virtual void closed(const Endpoint& upstream, Transport transport) = 0;
  // Whether the client is registered there.
  virtual bool is_home(const Peer& client, const Endpoint& upstream, Transport transport) = 0;
};

}  // namespace sipward::proxy

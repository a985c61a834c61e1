#pragma once

namespace sipward {

class Packet;
class Worker;
struct Source;

// What a Handler also is when its upstreams may speak first, to the listener itself (a PBX that calls a phone
// through us): their datagrams are no client's, so no matcher and no guard sees them on the way in; what then
// goes to a client passes the guards on its way out, as ever. The server asks handlers that stand directly in
// a route, in the order of the Sipfile. Both hooks on the worker that received; they never throw.
class UpstreamSide {
 public:
  virtual ~UpstreamSide() = default;
  // Whether that source is one of its upstreams. Asked for each datagram: cheap.
  virtual bool is_upstream(Worker& worker, const Source& source) const = 0;
  // A message of that upstream; `packet` is inbound, its peer the upstream, and nothing of it parsed yet.
  virtual void from_upstream(Packet& packet) const = 0;
};

}  // namespace sipward

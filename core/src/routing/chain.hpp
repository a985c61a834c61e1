#pragma once

#include <cstdint>

#include "routing/route_tree.hpp"
#include "sipward/byte_stream.hpp"
#include "sipward/packet.hpp"

namespace sipward {

enum class ChainEnd : std::uint8_t {
  handled,    // a handler consumed it
  dropped,    // a handler dropped it
  refused,    // a handler refused its source before it was read
  unmatched,  // no route took it
  unhandled,  // a route took it, and no handler ended the chain
  own_ack,    // it acknowledges an answer of ours
};

// Runs an inbound packet through the first route that takes it. Sets the peer's route and handler.
ChainEnd run_inbound(const RouteServer& server, Packet& packet);

// Runs an outbound packet through the handlers that stand before the one that forwarded, in reverse; in the
// route that its client's messages took or, when a reload removed that, in the one that takes it now. Where
// none does it is `unmatched`. `handled` means it may be sent to the client.
ChainEnd run_outbound(const RouteServer& server, Packet& packet);

// Whether a new connection of that source may go on. Runs only admission.
bool admit(const RouteServer& server, Worker& worker, const Source& source);

// Whether that source speaks for others, whom a layer will tell of (Handler::relays).
bool relays(const RouteServer& server, const Source& source);

// The first route from `from` on, in their order, that takes a stream which begins so; with need_more, the
// one that can't say yet. Where only routes come into question whose streams are treated alike (SIP, by the
// same layers), nothing has to be read: messages find their route themselves.
struct StreamChoice {
  Match match = Match::no;
  std::size_t route = 0;  // its place
};
StreamChoice choose_route(const RouteServer& server, std::size_t from, const StreamStart& start);

// Tells the handlers that would have seen the stream's messages about its fault.
void tell_fault(const RouteServer& server, Worker& worker, const Source& source, std::string_view fault);

}  // namespace sipward

#pragma once

#include <cstdint>
#include <string_view>

#include "sipward/clock.hpp"
#include "sipward/handler.hpp"
#include "sipward/net.hpp"
#include "sipward/sip/message.hpp"
#include "sipward/sources.hpp"

namespace sipward {

enum class Direction : std::uint8_t { inbound, outbound };  // client → upstream, upstream → client

// Names of a listener's route, and of a handler in it, that stay the same through reloads; 0 is none. Core
// gives and reads them (routing/route_tree.hpp).
using RouteId = std::uint32_t;
using HandlerId = std::uint16_t;

// Identifies one accepted stream on its worker; 0 is none. Never used twice in a process's life.
using ConnectionId = std::uint64_t;

// The client's side of a conversation, enough to send something to it and to find its chain again. A value:
// keep it as long as you like, also through reloads; what it names may be gone by then, and sending to it is
// then a no-op.
struct Peer {
  Endpoint remote;
  Endpoint local;  // what the client addressed; replies leave from it
  Transport transport = Transport::udp;
  HandlerId handler = 0;        // the one that forwarded: those before it see what comes back
  RouteId route = 0;            // the one that took its last message
  std::uint32_t listener = 0;   // the listener's number in the process
  ConnectionId connection = 0;  // for streams

  // The same client by the same way; the route may differ.
  bool same_flow(const Peer& other) const {
    return remote == other.remote && transport == other.transport && listener == other.listener &&
           connection == other.connection && local == other.local;
  }
};

// One SIP message (or keep-alive) on its way through a chain. Borrowed: lives on the worker's stack or in its
// scratch, the octets in a receive buffer. Valid until the hook returns. Used on one worker only.
class Packet {
 public:
  Packet(Worker& worker, Direction direction) : worker_(&worker), direction_(direction) {}
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

  // Makes it stand for another message; for whoever receives (core, proxy). `octets` must outlive its use.
  void assign(const Peer& peer, std::string_view octets);

  Worker& worker() const { return *worker_; }
  Direction direction() const { return direction_; }
  const Peer& peer() const { return peer_; }  // the client, whichever way the packet goes
  void set_peer(const Peer& peer) { peer_ = peer; }
  Transport transport() const { return peer_.transport; }
  Time now() const;  // read once per batch

  // Exactly as received.
  std::string_view octets() const { return octets_; }
  // A keep-alive (RFC 5626 3.5, and what phones really send): nothing to parse; handlers let it pass.
  bool is_keep_alive() const { return keep_alive_; }
  void set_keep_alive(bool keep_alive) { keep_alive_ = keep_alive; }

  // A datagram of a byte route, or one that is no SIP: octets and nothing else. What goes back to its client
  // is raw as well. Handlers of byte routes see only raw packets.
  bool is_raw() const { return raw_; }
  void set_raw(bool raw) { raw_ = raw; }

  // Parsed when first asked for. Check kind() and ok flags: bad input is normal input.
  sip::Message& sip();

  // Inbound: what this very message proves about its sender. A forger can name an address, but can't echo
  // what was sent to it; so evidence found in a message weighs as this says, not as its source once proved.
  Proof proof();
  // Inbound: how well the source is known, from this and earlier messages. Protects; never accuses.
  Standing standing();
  // Inbound request: its transaction when one was begun (then this is a retransmission). Outbound response:
  // the transaction it answers. nullptr otherwise.
  Transaction* transaction();
  // Inbound request: begins its transaction (RFC 3261 17), or gives the one that is there. nullptr for an
  // ACK, and when another client or another request holds its identifiers: a guess must not pass for a
  // retransmission.
  Transaction* begin_transaction();

 private:
  Worker* worker_;
  Direction direction_;
  bool keep_alive_ = false;
  bool raw_ = false;
  bool parsed_ = false;
  bool proof_known_ = false;
  bool transaction_known_ = false;
  Proof proof_ = Proof::none;
  Transaction* transaction_ = nullptr;
  Peer peer_;
  std::string_view octets_;
  sip::Message message_;
};

}  // namespace sipward

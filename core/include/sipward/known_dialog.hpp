#pragma once

#include "sipward/packet.hpp"
#include "sipward/worker.hpp"

namespace sipward {

// Inbound request: whether it belongs to a dialog that was let pass, or comes from where somebody is
// registered, so that the upstream can tell. A To tag that somebody made up opens nothing (RFC 3261 12.2).
inline bool in_known_dialog(Packet& packet) {
  auto& request = packet.sip();
  if (request.to().tag.empty()) return false;
  if (packet.standing().evidence == Evidence::trusted) return true;
  Peer peer;
  return packet.worker().sources().find_dialog(request.call_id(), request.from().tag, packet.now(), peer) &&
         peer.remote.address == packet.peer().remote.address;
}

}  // namespace sipward

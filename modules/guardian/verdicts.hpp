#pragma once

#include <cstdint>

#include "ban.hpp"
#include "sipward/sip/header.hpp"
#include "sipward/sources.hpp"

namespace sipward::guardian {

// What the PBX's final answer to a request says about its sender, and all it is told from. A failure is what
// the PBX says, never what a client tries: so an outage of the PBX counts against nobody.
struct Answer {
  sip::Method method = sip::Method::other;
  unsigned status = 0;
  bool stale = false;        // the challenge in it says stale=true
  bool credentials = false;  // the request carried some
  bool nonce_known = false;  // for a challenge that was sent to this very address
  bool in_dialog = false;
  bool known = false;         // the user is registered or authenticated from there, or the source is trusted
  Proof proof = Proof::none;  // what the request proved
};

enum class Effect : std::uint8_t {
  nothing,
  success,  // the user of the credentials is who he says
  failure,
  stale_nonce,    // weighs when it goes on
  unknown_nonce,  // weighs when it happens again
};

struct Judgement {
  Effect effect = Effect::nothing;
  Reason reason = Reason::none;
  // The failure of an unproven INVITE: the ACK, which must repeat the PBX's To tag, can still prove it.
  bool ack_may_prove = false;
};

// The requests with which one asks a PBX whom it knows.
bool probes(sip::Method method);

// Pure.
Judgement judge(const Answer& answer);

// After so many stale nonces in a row each further one is a failure.
inline constexpr std::uint32_t kStaleRun = 5;

}  // namespace sipward::guardian

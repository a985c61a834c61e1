#pragma once

#include "request.hpp"

namespace sipward::respond {

// The stand-in's side of calls, RFC 3261 12 to 15. Refusals of an INVITE are stateless (8.2.7): the same
// refusal for each retransmission, and nothing repeated by ourselves.
void take_invite(const Request& request);
void take_ack(const Request& request);
void take_cancel(const Request& request);
// BYE, INFO, UPDATE, and what else comes inside a dialog.
void take_in_dialog(const Request& request);

}  // namespace sipward::respond

#pragma once

#include <string>

#include "sipward/net.hpp"
#include "sipward/sip/edit.hpp"
#include "sipward/sip/message.hpp"

namespace sipward::proxy {

// What a proxy does with any request, whoever sent it (RFC 3261 16.3, 16.6).

// The status to refuse it with, 0 when it may go on; `extra` gets header lines of the answer.
int refusal(sip::Message& request, std::string& extra);

// One hop less; without a Max-Forwards one of 70 goes to `lines`, which are to be put first.
void count_hop(const sip::Message& request, sip::Edit& edit, std::string& lines);

// Writes into the sender's Via where it really came from, over whatever it claimed (RFC 3261 18.2.1, RFC
// 3581 4).
void stamp_source(const sip::Via& top, const Endpoint& source, sip::Edit& edit, std::string& scratch);

void append(std::string& out, const Address& address);
void append(std::string& out, const Endpoint& endpoint);
void append(std::string& out, unsigned number);

}  // namespace sipward::proxy

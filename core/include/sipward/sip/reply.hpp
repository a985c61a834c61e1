#pragma once

#include <string>
#include <string_view>

#include "sipward/net.hpp"
#include "sipward/sip/message.hpp"

namespace sipward::sip {

// Writes a stateless answer to `request` into `out`, replacing what it held (its capacity is reused): the
// Vias as they came, in order, with received and rport of `received_from` in the topmost, overwriting any the
// client wrote (RFC 3261 18.2.1, RFC 3581 4); From; To with `to_tag` unless it has a tag or the status is
// 100; Call-ID; CSeq; `extra_headers`; Content-Length: 0. No Server, no body.
//
// `extra_headers` is empty or whole lines, each ended by CRLF; the caller vouches for them. `reason` must not
// hold CR or LF. `to_tag` is a token; empty adds none.
//
// Returns false, with `out` empty, when no right answer exists: `request` is not a request, is an ACK (RFC
// 3261 17.1.1.3), or lacks a top Via with a readable sent-by, or From, To, Call-ID or CSeq; or a header to
// copy holds a control octet. Folds in copied headers become one space.
bool make_reply(const Message& request, int status, std::string_view reason, std::string_view to_tag,
                const Endpoint& received_from, std::string_view extra_headers, std::string& out);

// The customary phrase of a status code ("Bad Request"); the class's phrase for codes not in RFC 3261 21.
std::string_view reason_phrase(int status);

}  // namespace sipward::sip

#pragma once

#include <cstdint>
#include <string_view>

#include "sipward/sip/message.hpp"
#include "sipward/sources.hpp"

namespace sipward::guardian {

// Who a message says is acting: To of a REGISTER (RFC 3261 10.2), From of anything else. As written; empty
// when there is no user.
std::string_view acting_user_text(sip::Message& message, sip::Method method);
// The same as the keyed hash that Transaction and Sources use; 0 when there is none.
std::uint64_t acting_user(sip::Message& message, const Sources& sources);
// The user name of the first credentials in a request; 0 when there are none that can be read.
std::uint64_t credential_user(const sip::Message& message, const Sources& sources);
// Keyed hash of a user part, escapes decoded; 0 for none.
std::uint64_t user_hash(std::string_view user, const Sources& sources);

}  // namespace sipward::guardian

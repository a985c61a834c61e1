#pragma once

#include <string>

#include "sipward/sip/message.hpp"

namespace sipward::guardian {

inline constexpr std::size_t kMaxExcerpt = 1024;

// The head of a message fit to be shown to people and kept: start line and known headers, printable octets
// only, without anything that is secret or that a secret could be guessed from: of credentials and challenges
// only scheme, username and realm, no passwords in URIs, no tags (some tools put what they guess into them),
// no body and no values of unknown headers. At most kMaxExcerpt octets. Allocates: for what is rare.
std::string redacted_excerpt(const sip::Message& message);

}  // namespace sipward::guardian

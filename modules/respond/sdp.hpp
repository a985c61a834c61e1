#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sipward/net.hpp"

namespace sipward::respond {

// Session descriptions (RFC 8866) of an end that speaks PCMU and PCMA and has nothing to hear or say: its
// audio port is 9, discard. Pure functions.
struct SdpOrigin {
  Address address;
  std::uint64_t session = 0;
  unsigned version = 1;  // of the description within its session; one more for every new one
};

// Answers an offer by RFC 3264 6: as many streams in the same order, the first audio stream that offers one
// of our codecs accepted with the direction turned round, all others refused. False when none can be accepted
// or the offer can't be read.
bool answer_offer(std::string_view offer, const SdpOrigin& origin, std::string& out);
std::string make_offer(const SdpOrigin& origin);

}  // namespace sipward::respond

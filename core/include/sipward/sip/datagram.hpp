#pragma once

#include <cstdint>
#include <string_view>

namespace sipward::sip {

// What a UDP datagram on a SIP port is, told from its first octets. Only `sip` goes on to the parser; the
// others are ignored and count against nobody (RFC 5626 4.4, RFC 7983, and what phones do).
enum class Datagram : std::uint8_t {
  sip,         // to be parsed; it may still turn out not to be SIP
  keep_alive,  // empty, CR and LF only, up to four NULs
  stun,        // RFC 5389 6
  rtp,         // RTP or RTCP sent to the wrong port
  dtls,
  short_noise,  // under 32 octets and none of the above: no SIP message is that short
};
std::string_view to_string(Datagram datagram);

// Pure; safe to call from any thread.
Datagram classify(std::string_view datagram);

}  // namespace sipward::sip

#include "sipward/sip/datagram.hpp"

#include <algorithm>

namespace sipward::sip {

namespace {

constexpr std::size_t kShortestMessage = 32;  // below it every SIP stack of note ignores the datagram
constexpr std::size_t kMostNuls = 4;

bool is_keep_alive(std::string_view d) {
  const auto all = [d](auto predicate) { return std::all_of(d.begin(), d.end(), predicate); };
  return all([](char c) { return c == '\r' || c == '\n'; }) ||
         (d.size() <= kMostNuls && all([](char c) { return c == '\0'; }));
}

bool is_stun(std::string_view d) {
  return d.size() >= 20 && d.size() % 4 == 0 && (static_cast<unsigned char>(d[0]) & 0xC0) == 0 &&
         d.substr(4, 4) == "\x21\x12\xA4\x42";
}

}  // namespace

std::string_view to_string(Datagram datagram) {
  switch (datagram) {
    case Datagram::sip:
      return "sip";
    case Datagram::keep_alive:
      return "keep_alive";
    case Datagram::stun:
      return "stun";
    case Datagram::rtp:
      return "rtp";
    case Datagram::dtls:
      return "dtls";
    case Datagram::short_noise:
      return "short_noise";
  }
  return "sip";
}

Datagram classify(std::string_view datagram) {
  const unsigned first = datagram.empty() ? 0 : static_cast<unsigned char>(datagram[0]);
  // Nearly everything that comes begins with a letter.
  if (datagram.size() >= kShortestMessage && first >= 'A' && first <= 'Z') return Datagram::sip;
  if (is_stun(datagram)) return Datagram::stun;
  if (datagram.size() < kShortestMessage) {
    return is_keep_alive(datagram) ? Datagram::keep_alive : Datagram::short_noise;
  }
  if (first >= 0x80 && first <= 0xBF) return Datagram::rtp;
  // Only what DTLS really sends: most of its range of RFC 7983 may also begin a legal method.
  if (first >= 20 && first <= 25 && static_cast<unsigned char>(datagram[1]) == 0xFE) return Datagram::dtls;
  return is_keep_alive(datagram) ? Datagram::keep_alive : Datagram::sip;
}

}  // namespace sipward::sip

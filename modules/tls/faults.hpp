#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "openssl.hpp"

namespace sipward::tls {

// How a handshake went: the values of a metric, and, from not_tls on, the faults that handlers are told.
enum class Handshake : std::size_t {
  full,
  resumed,
  limit,  // refused before it began: a ceiling is reached
  gone,   // the peer, the network or we ended it before the first octet, or it took too long
  not_tls,
  version,
  no_common_cipher,
  alpn,
  client_certificate,
  alert,  // the peer refused
  cut,    // the peer ended it in the middle
  protocol,
};
inline constexpr std::array<std::string_view, 12> kHandshakes{
    "full",          "resumed",     "limit",
    "gone",          "tls_not_tls", "tls_version",
    "tls_no_cipher", "tls_alpn",    "tls_client_certificate",
    "tls_alert",     "tls_cut",     "tls_protocol"};
inline std::string_view word_of(Handshake handshake) {
  return kHandshakes[static_cast<std::size_t>(handshake)];
}

// What the error code of OpenSSL, from ERR_peek_error(), says of a handshake.
Handshake handshake_of(unsigned long error);

}  // namespace sipward::tls

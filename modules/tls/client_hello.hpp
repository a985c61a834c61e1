#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::tls {

// What a client says before anything is encrypted (RFC 8446 4.1.2).
struct ClientHello {
  enum class Read : std::uint8_t {
    whole,
    need_more,  // it may become one
    none,       // it can't
  };
  static constexpr std::size_t kMost = std::size_t{16}
                                       << 10;  // octets of the handshake message that are looked at

  std::string server_name;        // SNI, in lower case; empty when it names none
  std::vector<std::string> alpn;  // as offered

  // From the first octets of a stream, split into TLS records wherever it likes. `out` is filled when whole.
  static Read read(std::string_view octets, ClientHello& out);
};

}  // namespace sipward::tls

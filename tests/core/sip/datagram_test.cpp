#include "sipward/sip/datagram.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace sipward::sip;

TEST_CASE("a datagram is told by its first octets") {
  const std::string request = "OPTIONS sip:a@192.0.2.1 SIP/2.0\r\n\r\n";
  const std::string stun = std::string("\x00\x01\x00\x00\x21\x12\xA4\x42", 8) + std::string(12, 'x');
  const struct {
    std::string octets;
    Datagram kind;
  } rows[] = {
      {request, Datagram::sip},
      {"\r\n" + request, Datagram::sip},
      {"!odd" + request, Datagram::sip},
      {"", Datagram::keep_alive},
      {"\r\n\r\n", Datagram::keep_alive},
      {std::string(4, '\0'), Datagram::keep_alive},
      {std::string(40, '\n'), Datagram::keep_alive},
      {std::string(5, '\0'), Datagram::short_noise},
      {"jaK", Datagram::short_noise},
      {std::string(31, 'A'), Datagram::short_noise},
      {std::string(32, 'A'), Datagram::sip},
      {stun, Datagram::stun},
      {stun + "x", Datagram::short_noise},
      {"\x80" + std::string(40, 'x'), Datagram::rtp},
      {"\xBF" + std::string(40, 'x'), Datagram::rtp},
      {"\xC0" + std::string(40, 'x'), Datagram::sip},
      {"\x16\xFE\xFF" + std::string(40, 'x'), Datagram::dtls},
      {"\x16\x03\x01" + std::string(40, 'x'), Datagram::sip},
  };
  for (const auto& row : rows) {
    INFO(row.octets);
    CHECK(to_string(classify(row.octets)) == to_string(row.kind));
  }
}

#include "excerpt.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;

TEST_CASE("an excerpt shows who asked for what and keeps every secret") {
  const std::string octets =
      "REGISTER sip:alice:pw0@example.com SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
      "From: \"A\x01\" <sip:alice:pw1@example.com>;tag=70613535\r\n"
      "To: <sips:alice:pw2@example.com>\r\n"
      "Contact: <SIP:alice:pw3@192.0.2.1>\r\n"
      "Call-ID: c1\r\nCSeq: 1 REGISTER\r\n"
      "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"N0NCE\", uri=\"sip:x\", "
      "response=\"RESP0NSE\", cnonce=\"CN0NCE\"\r\n"
      "Proxy-Authorization: Basic c2VjcmV0\r\n"
      "X-Token: hidden\r\nContent-Length: 6\r\n\r\na=k:ey";
  sip::Message message;
  message.parse(octets, sip::Framing::datagram);
  const auto text = redacted_excerpt(message);
  INFO(text);
  for (const char* shown :
       {"REGISTER sip:alice", "username=\"alice\"", "realm=\"example.com\"", "Call-ID: c1"}) {
    CHECK(text.find(shown) != std::string::npos);
  }
  for (const char* secret : {"pw0", "pw1", "pw2", "pw3", "70613535", "N0NCE", "RESP0NSE", "CN0NCE", "c2Vjcm",
                             "hidden", "a=k", "\x01"}) {
    INFO(secret);
    CHECK(text.find(secret) == std::string::npos);
  }
}

TEST_CASE("an excerpt is bounded and survives what is no SIP") {
  sip::Message message;
  std::string octets = "OPTIONS sip:a@b SIP/2.0\r\n";
  for (int i = 0; i < 150; ++i) octets += "Subject: " + std::string(300, 'x') + "\r\n";
  octets += "\r\n";
  message.parse(octets, sip::Framing::datagram);
  CHECK(redacted_excerpt(message).size() <= kMaxExcerpt);
  for (const std::string_view odd :
       {"", "\r\n", "sip:", "REGISTER sip: SIP/2.0\r\nFrom: sip:@;tag=\r\n\r\n"}) {
    message.parse(odd, sip::Framing::datagram);
    CHECK(redacted_excerpt(message).size() <= kMaxExcerpt);
  }
}

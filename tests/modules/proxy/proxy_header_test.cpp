#include "proxy_header.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace sipward;
using proxy::ProxyHeader;

namespace {

std::string header(ProxyHeader::Version version, const char* client, const char* local,
                   Transport transport = Transport::tcp) {
  return std::string(
      ProxyHeader(version, *Endpoint::parse(client), *Endpoint::parse(local), transport).octets());
}

std::string hex(const std::string& octets) {
  std::string text;
  for (const char c : octets) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

const std::string kSignature = "0d0a0d0a000d0a515549540a";

}  // namespace

TEST_CASE("version 1 is a line of text") {
  CHECK(header(ProxyHeader::Version::v1, "192.0.2.10:5062", "203.0.113.1:5060") ==
        "PROXY TCP4 192.0.2.10 203.0.113.1 5062 5060\r\n");
  CHECK(header(ProxyHeader::Version::v1, "[2001:db8::1]:5062", "[2001:db8::2]:5060") ==
        "PROXY TCP6 2001:db8::1 2001:db8::2 5062 5060\r\n");
  CHECK(header(ProxyHeader::Version::v1, "192.0.2.10:5062", "[2001:db8::2]:5060") ==
        "PROXY TCP6 ::ffff:192.0.2.10 2001:db8::2 5062 5060\r\n");
}

TEST_CASE("the longest line of version 1 fits") {
  const std::string longest = "[2001:1db8:1111:2222:3333:4444:5555:6666]:65535";
  const auto text = header(ProxyHeader::Version::v1, longest.c_str(), longest.c_str());
  CHECK(text.size() <= 107);
  CHECK(text.substr(text.size() - 13) == "65535 65535\r\n");
}

TEST_CASE("version 2 is binary, and tells streams from datagrams") {
  CHECK(hex(header(ProxyHeader::Version::v2, "192.0.2.10:5062", "203.0.113.1:5060")) ==
        kSignature + "2111000cc000020acb00710113c613c4");
  CHECK(hex(header(ProxyHeader::Version::v2, "192.0.2.10:5062", "203.0.113.1:5060", Transport::udp)) ==
        kSignature + "2112000cc000020acb00710113c613c4");
  CHECK(hex(header(ProxyHeader::Version::v2, "[2001:db8::1]:5062", "[2001:db8::2]:5060", Transport::tls)) ==
        kSignature + "21210024" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" +
            "13c613c4");
  CHECK(hex(header(ProxyHeader::Version::v2, "192.0.2.10:5062", "[2001:db8::2]:5060", Transport::udp)) ==
        kSignature + "21220024" + "00000000000000000000ffffc000020a" + "20010db8000000000000000000000002" +
            "13c613c4");
}

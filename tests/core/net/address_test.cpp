#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch.hpp>
#include <string>

#include "sipward/net.hpp"

using sipward::Address;
using sipward::Endpoint;

TEST_CASE("an IPv4 address and its mapped IPv6 form are one address") {
  const auto dotted = Address::parse("192.0.2.1");
  const auto mapped = Address::parse("::ffff:192.0.2.1");
  const auto hexadecimal = Address::parse("[::FFFF:c000:201]");
  REQUIRE(dotted);
  REQUIRE(mapped);
  REQUIRE(hexadecimal);
  CHECK(*dotted == *mapped);
  CHECK(*dotted == *hexadecimal);
  CHECK(*dotted == Address::v4(0xC0000201));
  CHECK(dotted->is_v4());
  CHECK(dotted->v4_value() == 0xC0000201);
  CHECK(mapped->to_string() == "192.0.2.1");
  CHECK(std::hash<Address>{}(*dotted) == std::hash<Address>{}(*mapped));
  CHECK(Address::v6(mapped->octets()) == *dotted);
}

TEST_CASE("addresses print in canonical form") {
  const auto [text, canonical] =
      GENERATE(table<std::string, std::string>({{"0.0.0.0", "0.0.0.0"},
                                                {"255.255.255.255", "255.255.255.255"},
                                                {"::", "::"},
                                                {"0:0:0:0:0:0:0:1", "::1"},
                                                {"[2001:DB8:0:0:0:0:0:1]", "2001:db8::1"},
                                                {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"}}));
  INFO(text);
  const auto address = Address::parse(text);
  REQUIRE(address);
  CHECK(address->to_string() == canonical);
  CHECK(Address::parse(address->to_string()) == address);
}

TEST_CASE("what is no address is refused") {
  const std::string text = GENERATE(
      "", " ", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "[1.2.3.4]", "1.2.3.4/8", "::1%lo",
      "[::1", "::1]", "[]", ":::", "1::2::3", "12345::", "192.0.2.1:5060", "::ffff:1.2.3.400", "localhost",
      "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001");
  INFO(text);
  CHECK_FALSE(Address::parse(text));
}

TEST_CASE("an octet of zero inside the text does not end an address") {
  CHECK_FALSE(Address::parse(std::string_view("1.2.3.4\0junk", 12)));
  CHECK_FALSE(Address::parse(std::string_view("::1\0", 4)));
}

TEST_CASE("loopback and unspecified addresses are known in both families") {
  CHECK(Address::parse("127.255.0.1")->is_loopback());
  CHECK(Address::parse("::1")->is_loopback());
  CHECK_FALSE(Address::parse("128.0.0.1")->is_loopback());
  CHECK_FALSE(Address::parse("::2")->is_loopback());
  CHECK(Address::parse("0.0.0.0")->is_unspecified());
  CHECK(Address().is_unspecified());
  CHECK_FALSE(Address::parse("0.0.0.1")->is_unspecified());
}

TEST_CASE("masking counts in the address's own family") {
  const auto v4 = *Address::parse("203.0.113.255");
  CHECK(v4.masked(32) == v4);
  CHECK(v4.masked(25).to_string() == "203.0.113.128");
  CHECK(v4.masked(4).to_string() == "192.0.0.0");
  CHECK(v4.masked(0).to_string() == "0.0.0.0");
  const auto v6 = *Address::parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
  CHECK(v6.masked(128) == v6);
  CHECK(v6.masked(64).to_string() == "2001:db8:ffff:ffff::");
  CHECK(v6.masked(33).to_string() == "2001:db8:8000::");
  CHECK(v6.masked(0).to_string() == "::");
}

TEST_CASE("endpoints are parsed and printed") {
  const auto [text, canonical] =
      GENERATE(table<std::string, std::string>({{"192.0.2.1:5060", "192.0.2.1:5060"},
                                                {"192.0.2.1:0", "192.0.2.1:0"},
                                                {"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
                                                {"[::ffff:192.0.2.1]:5060", "192.0.2.1:5060"}}));
  INFO(text);
  const auto endpoint = Endpoint::parse(text);
  REQUIRE(endpoint);
  CHECK(endpoint->to_string() == canonical);
}

TEST_CASE("what is no endpoint is refused") {
  const std::string text =
      GENERATE("", ":", ":5060", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1",
               "192.0.2.1:000000", "192.0.2.1:5060x", "2001:db8::1:5060", "[2001:db8::1]",
               "[2001:db8::1]5060", "pbx:5060", "[192.0.2.1]:5060");
  INFO(text);
  CHECK_FALSE(Endpoint::parse(text));
}

TEST_CASE("socket addresses become endpoints, a mapped one IPv4") {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(5060);
  v4.sin_addr.s_addr = htonl(0xC0000201);
  CHECK(Endpoint::from(reinterpret_cast<const sockaddr*>(&v4)).to_string() == "192.0.2.1:5060");

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(5061);
  REQUIRE(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr) == 1);
  CHECK(Endpoint::from(reinterpret_cast<const sockaddr*>(&v6)).to_string() == "192.0.2.1:5061");

  sockaddr other{};
  other.sa_family = AF_UNIX;
  CHECK(Endpoint::from(&other) == Endpoint{});
}

TEST_CASE("transports have names, and all but UDP are streams") {
  using sipward::Transport;
  CHECK(sipward::to_string(Transport::udp) == "udp");
  CHECK(sipward::to_string(Transport::tcp) == "tcp");
  CHECK(sipward::to_string(Transport::tls) == "tls");
  CHECK(sipward::to_string(Transport::ws) == "ws");
  CHECK(sipward::to_string(Transport::wss) == "wss");
  CHECK_FALSE(sipward::is_stream(Transport::udp));
  CHECK(sipward::is_stream(Transport::tcp));
}

TEST_CASE("a source is an IPv4 address, or the /64 of an IPv6 one") {
  CHECK(source_of(*Address::parse("203.0.113.129")).to_string() == "203.0.113.129");
  CHECK(source_of(*Address::parse("::ffff:203.0.113.129")).to_string() == "203.0.113.129");
  CHECK(source_of(*Address::parse("2001:db8:1:2:3:4:5:6")) == source_of(*Address::parse("2001:db8:1:2::9")));
  CHECK(source_of(*Address::parse("2001:db8:1:2::9")) != source_of(*Address::parse("2001:db8:1:3::9")));
}

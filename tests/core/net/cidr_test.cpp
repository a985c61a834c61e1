#include <catch2/catch.hpp>
#include <string>

#include "sipward/net.hpp"

using sipward::Address;
using sipward::Cidr;

TEST_CASE("networks are parsed, masked and printed") {
  const auto [text, canonical] =
      GENERATE(table<std::string, std::string>({{"10.0.0.0/8", "10.0.0.0/8"},
                                                {"10.1.2.3/8", "10.0.0.0/8"},
                                                {"192.0.2.1", "192.0.2.1"},
                                                {"192.0.2.1/32", "192.0.2.1"},
                                                {"0.0.0.0/0", "0.0.0.0/0"},
                                                {"2001:db8::/32", "2001:db8::/32"},
                                                {"2001:db8::1/128", "2001:db8::1"},
                                                {"::/0", "::/0"},
                                                {"::ffff:10.1.2.3/104", "10.0.0.0/8"},
                                                {"::ffff:0:0/96", "0.0.0.0/0"},
                                                {"::ffff:192.0.2.1", "192.0.2.1"}}));
  INFO(text);
  const auto cidr = Cidr::parse(text);
  REQUIRE(cidr);
  CHECK(cidr->to_string() == canonical);
  CHECK(Cidr::parse(cidr->to_string()) == cidr);
}

TEST_CASE("what is no network is refused") {
  const std::string text =
      GENERATE("", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
               "10.0.0.0/8/8", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0", "10/8", "::/129", "::/1000",
               "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/129", "host/8");
  INFO(text);
  CHECK_FALSE(Cidr::parse(text));
}

TEST_CASE("a network holds exactly the addresses under its prefix") {
  struct Row {
    const char* network;
    const char* address;
    bool inside;
  };
  const auto row = GENERATE(values<Row>({{"192.0.2.0/24", "192.0.2.0", true},
                                         {"192.0.2.0/24", "192.0.2.255", true},
                                         {"192.0.2.0/24", "192.0.3.0", false},
                                         {"192.0.2.0/24", "::ffff:192.0.2.7", true},
                                         {"192.0.2.128/25", "192.0.2.127", false},
                                         {"192.0.2.1", "192.0.2.1", true},
                                         {"192.0.2.1", "192.0.2.2", false},
                                         {"0.0.0.0/0", "203.0.113.9", true},
                                         {"0.0.0.0/0", "2001:db8::1", false},
                                         {"::/0", "2001:db8::1", true},
                                         {"::/0", "203.0.113.9", false},
                                         {"2001:db8::/33", "2001:db8:7fff::1", true},
                                         {"2001:db8::/33", "2001:db8:8000::1", false}}));
  INFO(row.network << " " << row.address);
  CHECK(Cidr::parse(row.network)->contains(*Address::parse(row.address)) == row.inside);
}

#include "whitelist.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;

namespace {

Whitelist of(std::initializer_list<std::string_view> texts) {
  std::vector<Cidr> networks;
  for (const auto text : texts) networks.push_back(*Cidr::parse(text));
  return Whitelist(networks);
}

}  // namespace

TEST_CASE("an address is whitelisted by any network that holds it") {
  const auto list = of({"10.0.0.0/8", "192.168.0.0/16", "192.168.7.0/24", "198.51.100.7", "2001:db8::/32"});
  struct {
    std::string_view address;
    bool in;
  } const cases[] = {
      {"10.0.0.0", true},      {"10.255.255.255", true},  {"11.0.0.0", false},     {"9.255.255.255", false},
      {"192.168.200.1", true}, {"198.51.100.7", true},    {"198.51.100.8", false}, {"2001:db8::1", true},
      {"2001:db9::1", false},  {"::ffff:10.1.2.3", true}, {"::1", false},
  };
  for (const auto& c : cases) {
    INFO(c.address);
    CHECK(list.contains(*Address::parse(c.address)) == c.in);
  }
}

TEST_CASE("the whole of one family says nothing about the other") {
  CHECK(of({"0.0.0.0/0"}).contains(*Address::parse("255.255.255.255")));
  CHECK_FALSE(of({"0.0.0.0/0"}).contains(*Address::parse("2001:db8::1")));
  CHECK(of({"::/0"}).contains(*Address::parse("2001:db8::1")));
  CHECK_FALSE(of({"::/0"}).contains(*Address::parse("192.0.2.1")));
}

TEST_CASE("a prefix touches the list when they share an address") {
  const auto list = of({"192.0.2.64/26"});
  CHECK(list.touches(*Cidr::parse("192.0.2.0/24")));
  CHECK(list.touches(*Cidr::parse("192.0.2.65")));
  CHECK_FALSE(list.touches(*Cidr::parse("192.0.2.0/26")));
  CHECK(Whitelist().empty());
  CHECK_FALSE(Whitelist().contains(*Address::parse("192.0.2.1")));
}

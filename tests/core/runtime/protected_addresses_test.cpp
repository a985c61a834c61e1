#include <catch2/catch.hpp>

#include "sipward/build_context.hpp"

using namespace sipward;

TEST_CASE("an address is protected for as long as its handle lives, alone and inside a network") {
  ProtectedAddresses all;
  const auto one = *Address::parse("192.0.2.1");
  auto handle = all.add("the upstream x", {one, *Address::parse("2001:db8::1")});
  CHECK(all.why(one) == "the upstream x");
  CHECK(all.why(*Cidr::parse("192.0.2.0/24")) == "the upstream x");
  CHECK(all.why(*Cidr::parse("2001:db8::/64")) == "the upstream x");
  CHECK(all.why(*Address::parse("192.0.2.2")).empty());
  handle.reset();
  CHECK(all.why(one).empty());
}

TEST_CASE("whoever watches hears of each address that becomes protected, until he lets go") {
  ProtectedAddresses all;
  std::string heard;
  auto watch = all.watch([&] { heard += all.why(*Address::parse("192.0.2.1")) + ";"; });
  const auto handle = all.add("a", {*Address::parse("192.0.2.1")});
  CHECK(heard == "a;");
  watch.reset();
  const auto other = all.add("b", {*Address::parse("192.0.2.2")});
  CHECK(heard == "a;");
}

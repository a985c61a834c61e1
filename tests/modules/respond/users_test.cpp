#include "users.hpp"

#include <catch2/catch.hpp>

using sipward::respond::Users;

TEST_CASE("a range holds the extensions between its ends, with as many digits") {
  Users users;
  REQUIRE(users.add("100-199"));
  REQUIRE(users.add("0010-0012"));
  REQUIRE(users.add("alice"));
  REQUIRE(users.add("mary-jane"));
  REQUIRE(users.add("7"));
  for (const char* known : {"100", "150", "199", "0010", "0012", "alice", "mary-jane", "7"}) {
    INFO(known);
    CHECK(users.contains(known));
  }
  for (const char* unknown :
       {"", "99", "200", "0100", "1000", "10", "12", "0013", "Alice", "07", "150 ", "+150"}) {
    INFO(unknown);
    CHECK_FALSE(users.contains(unknown));
  }
}

TEST_CASE("a range that can't be meant is refused") {
  for (const char* wrong : {"", "199-100", "9-10", "100-1999"}) {
    INFO(wrong);
    Users users;
    CHECK_FALSE(users.add(wrong));
    CHECK(users.empty());
  }
}

#include "bounded_table.hpp"

#include <catch2/catch.hpp>

#include "sipward/net.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

struct Value {
  Time expires{};
  int number = 0;
};
const Time kNow = Time{} + 1h;

std::uint64_t key_of(std::uint32_t number) {
  return keyed_hash(HashKey{5, 6}, Address::v4(number));
}

}  // namespace

TEST_CASE("a value is found until it expires, then it begins anew") {
  BoundedTable<Value> table(64);
  auto& value = table.at(1, kNow);
  value.expires = kNow + 1s;
  value.number = 7;
  REQUIRE(table.find(1, kNow));
  CHECK(table.find(1, kNow)->number == 7);
  CHECK_FALSE(table.find(1, kNow + 1s));
  CHECK(table.at(1, kNow + 1s).number == 0);
}

TEST_CASE("a flood of new keys keeps the table at its size and spares what expires last") {
  BoundedTable<Value> table(1024);
  table.at(key_of(0), kNow).expires = kNow + 24h;
  for (std::uint32_t i = 1; i < 200'000; ++i) table.at(key_of(i), kNow).expires = kNow + 1min;
  CHECK(table.capacity() == 1024);
  CHECK(table.find(key_of(0), kNow));
  std::size_t live = 0;
  table.for_each(kNow, [&](const Value&) { ++live; });
  CHECK(live == 1024);
}

TEST_CASE("key 0 is a key like any other") {
  BoundedTable<Value> table(8);
  table.at(0, kNow).expires = kNow + 1s;
  CHECK(table.find(0, kNow));
  table.erase(0);
  CHECK_FALSE(table.find(0, kNow));
}

#include "sources/bounded_table.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace std::chrono_literals;

namespace {

struct Plain {
  std::uint64_t key = 0;
  Time expires{};
  int value = 0;
};
struct Ranked : Plain {
  int standing = 0;
  int rank() const { return standing; }
};

const Time kStart = Time{} + 1000h;

// Keys of one neighbourhood: what selects it stands above the lowest eight bits.
constexpr std::uint64_t key_of(std::uint64_t n) {
  return n + 1;
}

template <class Entry>
Entry& put(BoundedTable<Entry>& table, std::uint64_t key, Duration lifetime) {
  bool made = false;
  auto& e = table.insert(key, kStart, made);
  e.expires = kStart + lifetime;
  return e;
}

}  // namespace

TEST_CASE("a bounded table has room for at least what was asked, rounded up") {
  for (const auto& [asked, given] :
       {std::pair<std::size_t, std::size_t>{0, 8}, {1, 8}, {8, 8}, {9, 16}, {1000, 1024}})
    CHECK(BoundedTable<Plain>(asked).capacity() == given);
}

TEST_CASE("a bounded table finds what is live and only that") {
  BoundedTable<Plain> table(8);
  CHECK(table.find(key_of(1), kStart) == nullptr);
  CHECK(table.find(0, kStart) == nullptr);
  put(table, key_of(1), 10s).value = 7;
  REQUIRE(table.find(key_of(1), kStart) != nullptr);
  CHECK(table.find(key_of(1), kStart)->value == 7);
  CHECK(table.find(key_of(1), kStart + 10s - 1ns) != nullptr);
  CHECK(table.find(key_of(1), kStart + 10s) == nullptr);
  CHECK(table.find(key_of(2), kStart) == nullptr);
}

TEST_CASE("a bounded table gives the live entry again, and a fresh one for an expired key") {
  BoundedTable<Plain> table(8);
  put(table, key_of(1), 10s).value = 7;
  bool made = true;
  CHECK(table.insert(key_of(1), kStart, made).value == 7);
  CHECK_FALSE(made);
  CHECK(table.insert(key_of(1), kStart + 10s, made).value == 0);
  CHECK(made);
}

TEST_CASE("a full neighbourhood lets go of what expires soonest") {
  BoundedTable<Plain> table(8);
  for (std::uint64_t i = 0; i < 8; ++i) put(table, key_of(i), i == 5 ? 1s : 10s);
  put(table, key_of(100), 20s);
  CHECK(table.find(key_of(5), kStart) == nullptr);
  CHECK(table.find(key_of(100), kStart) != nullptr);
  for (std::uint64_t i = 0; i < 8; ++i)
    if (i != 5) CHECK(table.find(key_of(i), kStart) != nullptr);
  CHECK(table.used() == 8);
}

TEST_CASE("a full neighbourhood lets go of the lowest rank before what expires sooner") {
  BoundedTable<Ranked> table(8);
  for (std::uint64_t i = 0; i < 8; ++i) put(table, key_of(i), i == 3 ? 100s : 10s).standing = i == 3 ? 0 : 1;
  put(table, key_of(100), 20s).standing = 1;
  CHECK(table.find(key_of(3), kStart) == nullptr);
  CHECK(table.find(key_of(0), kStart) != nullptr);
}

TEST_CASE("an expired entry goes before a live one of lower rank") {
  BoundedTable<Ranked> table(8);
  for (std::uint64_t i = 0; i < 8; ++i) put(table, key_of(i), 10s).standing = 0;
  table.find(key_of(6), kStart)->standing = 9;
  table.find(key_of(6), kStart)->expires = kStart - 1s;
  put(table, key_of(100), 20s);
  for (std::uint64_t i = 0; i < 8; ++i)
    if (i != 6) CHECK(table.find(key_of(i), kStart) != nullptr);
}

TEST_CASE("an erased place is used again") {
  BoundedTable<Plain> table(8);
  for (std::uint64_t i = 0; i < 8; ++i) put(table, key_of(i), 10s);
  table.erase(*table.find(key_of(2), kStart));
  CHECK(table.used() == 7);
  CHECK(table.find(key_of(2), kStart) == nullptr);
  put(table, key_of(100), 10s);
  CHECK(table.used() == 8);
  CHECK(table.find(key_of(0), kStart) != nullptr);
}

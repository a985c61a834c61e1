#include "sources/regulars.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace std::chrono_literals;

namespace {

const Time kStart = Time{} + 1000h;
const Address kOffice = *Address::parse("198.51.100.1");

}  // namespace

TEST_CASE("the most registrations of a week are known after they ended") {
  Regulars r(HashKey{1, 2});
  CHECK(r.count(kOffice, kStart) == 0);
  r.note(kOffice, 300, kStart);
  r.note(kOffice, 1, kStart + 24h);
  CHECK(r.count(kOffice, kStart + 24h) == 300);
  CHECK(r.count(kOffice, kStart + 7 * 24h - 1s) == 300);
  r.note(kOffice, 2, kStart + 7 * 24h);
  CHECK(r.count(kOffice, kStart + 7 * 24h) == 2);
  CHECK(r.count(*Address::parse("198.51.100.2"), kStart) == 0);
}

TEST_CASE("an IPv6 host is known by its /64") {
  Regulars r(HashKey{1, 2});
  r.note(*Address::parse("2001:db8::1"), 3, kStart);
  CHECK(r.count(*Address::parse("2001:db8::ffff:2"), kStart) == 3);
}

TEST_CASE("what was listed can be restored, within its time and never below what is known") {
  Regulars before(HashKey{1, 2});
  before.note(kOffice, 300, kStart);
  before.note(*Address::parse("2001:db8::1"), 3, kStart);
  const auto list = before.list(kStart);
  REQUIRE(list.size() == 2);
  Regulars after(HashKey{3, 4});
  after.note(kOffice, 400, kStart);
  for (const auto& regular : list) after.restore(regular, kStart + 1h);
  CHECK(after.count(kOffice, kStart + 1h) == 400);
  CHECK(after.count(*Address::parse("2001:db8::9"), kStart + 1h) == 3);
  for (const auto& regular : list) after.restore(regular, kStart + 8 * 24h);
  CHECK(after.list(kStart + 8 * 24h).empty());
  after.restore({kOffice, 7, kStart + 1000 * 24h}, kStart);
  CHECK(after.count(kOffice, kStart + 8 * 24h) == 0);
}

TEST_CASE("many small addresses can't push an office out") {
  Regulars r(HashKey{1, 2});
  r.note(kOffice, 300, kStart);
  for (std::uint32_t i = 0; i < 4 * Regulars::kAddresses; ++i)
    r.note(Address::v4(0x0A000000U + i), 1, kStart);
  CHECK(r.count(kOffice, kStart) == 300);
  CHECK(r.list(kStart).size() <= Regulars::kAddresses);
}

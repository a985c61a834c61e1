#include "sources/registrations.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace std::chrono_literals;

namespace {

const Time kStart = Time{} + 1000h;

Endpoint at(const char* text) {
  return *Endpoint::parse(text);
}

}  // namespace

TEST_CASE("registrations are counted per address, over all its ports, while they live") {
  Registrations r(HashKey{1, 2}, 100);
  const auto a = at("198.51.100.1:5060"), b = at("198.51.100.1:5070"), c = at("198.51.100.2:5060");
  REQUIRE(r.add(a, 1, 11, kStart + 60s, kStart));
  REQUIRE(r.add(b, 2, 12, kStart + 120s, kStart));
  REQUIRE(r.add(c, 1, 13, kStart + 60s, kStart));
  CHECK(r.count(a.address, kStart) == 2);
  CHECK(r.count(a.address, kStart + 60s) == 1);
  CHECK(r.count(a.address, kStart + 120s) == 0);
  CHECK(r.has(a.address, 2, kStart + 60s));
  CHECK_FALSE(r.has(a.address, 1, kStart + 60s));
  CHECK_FALSE(r.has(a.address, 3, kStart));
  CHECK(r.last_expiry(a, kStart) == kStart + 60s);
  CHECK(r.last_expiry(at("198.51.100.1:5080"), kStart) == Time{});
}

TEST_CASE("a registration that is refreshed stays one, and follows its port") {
  Registrations r(HashKey{1, 2}, 100);
  r.add(at("198.51.100.1:5060"), 1, 11, kStart + 60s, kStart);
  r.add(at("198.51.100.1:5070"), 1, 11, kStart + 90s, kStart + 30s);
  CHECK(r.size() == 1);
  CHECK(r.last_expiry(at("198.51.100.1:5060"), kStart + 30s) == Time{});
  CHECK(r.last_expiry(at("198.51.100.1:5070"), kStart + 30s) == kStart + 90s);
}

TEST_CASE("one registration is removed, or all of a user") {
  Registrations r(HashKey{1, 2}, 100);
  const auto a = at("198.51.100.1:5060");
  for (std::uint64_t contact = 1; contact <= 3; ++contact) r.add(a, 1, contact, kStart + 60s, kStart);
  r.add(a, 2, 4, kStart + 60s, kStart);
  r.remove(a.address, 1, 2);
  CHECK(r.count(a.address, kStart) == 3);
  r.remove(a.address, 1, 0);
  CHECK(r.count(a.address, kStart) == 1);
  CHECK(r.has(a.address, 2, kStart));
  r.remove(at("203.0.113.9:5060").address, 1, 0);
  r.remove(a.address, 2, 4);
  CHECK(r.size() == 0);
}

TEST_CASE("registrations refuse what is past their limit, until something expires") {
  Registrations r(HashKey{1, 2}, 3);
  for (std::uint64_t user = 1; user <= 3; ++user)
    REQUIRE(r.add(at("198.51.100.1:5060"), user, user, kStart + 60s, kStart));
  CHECK_FALSE(r.add(at("198.51.100.2:5060"), 4, 4, kStart + 60s, kStart));
  CHECK(r.count(at("198.51.100.2:5060").address, kStart) == 0);
  CHECK(r.add(at("198.51.100.1:5060"), 1, 1, kStart + 90s, kStart));  // a refresh needs no room
  CHECK(r.add(at("198.51.100.2:5060"), 4, 4, kStart + 120s, kStart + 60s));
  CHECK(r.size() == 2);
}

TEST_CASE("an address whose registrations have expired can register again") {
  Registrations r(HashKey{1, 2}, 10 * Registrations::kPerAddress);
  const auto office = at("198.51.100.1:5060");
  for (std::uint64_t n = 1; n <= Registrations::kPerAddress; ++n)
    REQUIRE(r.add(office, n, n, kStart + 60s, kStart));
  CHECK_FALSE(r.add(office, 99'999, 1, kStart + 60s, kStart));
  CHECK(r.add(at("198.51.100.2:5060"), 1, 1, kStart + 60s, kStart));
  CHECK(r.add(office, 99'999, 1, kStart + 120s, kStart + 60s));
  CHECK(r.count(office.address, kStart + 60s) == 1);
}

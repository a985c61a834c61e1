#include "neighbourhoods.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "bounded_table.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const HashKey kKey{21, 22};
const Time kNow = Time{} + 1000h;
const Cidr kNetwork = neighbourhood_of(*Address::parse("192.0.2.77"));

std::uint64_t hash(std::uint64_t number) {
  return keyed_hash(kKey, Address::v4(static_cast<std::uint32_t>(number)));
}

}  // namespace

TEST_CASE("neighbours are a /24, of IPv6 a /48") {
  CHECK(kNetwork.to_string() == "192.0.2.0/24");
  CHECK(neighbourhood_of(*Address::parse("2001:db8:1:2::3")).to_string() == "2001:db8:1::/48");
}

TEST_CASE("users and members of a neighbourhood add up, by grade, and age") {
  Neighbourhoods n(kKey);
  Neighbourhoods::Seen seen;
  for (std::uint64_t i = 0; i < 40; ++i)
    seen = n.note(kNetwork, Grade::proven, hash(i % 2), hash(100 + i), kNow);
  CHECK(seen.members <= 2);
  CHECK(seen.marks <= 40);
  CHECK(seen.marks >= 30);
  CHECK(n.note(kNetwork, Grade::unproven, hash(1), hash(100), kNow).marks == 1);
  CHECK(n.note(kNetwork, Grade::proven, hash(1), hash(100), kNow + 48h).marks == seen.marks);
  CHECK(n.note(kNetwork, Grade::proven, hash(1), hash(100), kNow + 72h).marks == 1);
  n.forget(kNetwork);
  CHECK(n.note(kNetwork, Grade::proven, hash(1), hash(100), kNow + 72h).marks == 1);
}

TEST_CASE("a flood of neighbourhoods spares one that asked for more") {
  Neighbourhoods n(kKey);
  for (std::uint64_t i = 0; i < 20; ++i) n.note(kNetwork, Grade::unproven, hash(i), hash(i), kNow);
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    n.note(neighbourhood_of(Address::v4(i << 8)), Grade::unproven, hash(i), hash(i), kNow);
  }
  CHECK(n.note(kNetwork, Grade::unproven, hash(0), hash(0), kNow).marks >= 15);
}

TEST_CASE("a network where somebody lives is known for a day") {
  Neighbourhoods n(kKey);
  CHECK_FALSE(n.settled(kNetwork, kNow));
  n.settle(kNetwork, kNow);
  CHECK(n.settled(kNetwork, kNow + 23h));
  CHECK_FALSE(n.settled(kNetwork, kNow + 25h));
}

TEST_CASE("workers note together") {
  Neighbourhoods n(kKey);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&n, t] {
      for (std::uint64_t i = 0; i < 5'000; ++i)
        n.note(kNetwork, Grade::proven, hash(t), hash(t * 10 + i % 10), kNow);
    });
  }
  for (auto& thread : threads) thread.join();
  const auto seen = n.note(kNetwork, Grade::proven, hash(0), hash(0), kNow);
  CHECK(seen.marks <= 40);
  CHECK(seen.marks >= 28);
  CHECK(seen.members >= 2);
}

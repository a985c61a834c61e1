#include "balancing.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

using namespace sipward;
using namespace sipward::proxy;

namespace {

std::vector<Candidate> candidates(const std::vector<double>& weights) {
  std::vector<Candidate> all;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto host = Address::v4(0xC0000200U + static_cast<std::uint32_t>(i));
    all.push_back({i, stable_hash(Endpoint{host, 5060}), weights[i], 1, 0});
  }
  return all;
}

std::uint64_t key(int n) {
  return stable_hash("call-" + std::to_string(n));
}

constexpr int kKeys = 12'000;

}  // namespace

TEST_CASE("taking turns is smooth and by weight") {
  const auto three = candidates({3, 1, 1});
  Rotation rotation;
  std::string order;
  for (int i = 0; i < 10; ++i) order += "abc"[rotation.next(three, 3, true)];
  CHECK(order == "abacaabaca");
  order.clear();
  Rotation plain;
  for (int i = 0; i < 6; ++i) order += "abc"[plain.next(three, 3, false)];
  CHECK(order == "abcabc");
}

TEST_CASE("who is left out of a round is not owed all of it later") {
  const auto three = candidates({1, 1, 1});
  const std::span<const Candidate> two(three.data(), 2);
  Rotation rotation;
  for (int i = 0; i < 100; ++i) rotation.next(two, 3, true);
  std::map<std::size_t, int> counts;
  for (int i = 0; i < 9; ++i) ++counts[rotation.next(three, 3, true)];
  for (const auto& [place, count] : counts) CHECK(count == 3);
}

TEST_CASE("rendezvous: weights hold, and only the keys of who goes move") {
  const auto four = candidates({1, 1, 2, 4});
  std::vector<std::size_t> before;
  std::map<std::size_t, int> counts;
  for (int i = 0; i < kKeys; ++i) {
    before.push_back(rendezvous(key(i), four));
    ++counts[before.back()];
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const auto expected = kKeys * four[i].weight / 8;
    CHECK(std::abs(counts[i] - expected) < 4 * std::sqrt(expected));
  }
  auto three = four;
  three.erase(three.begin() + 2);
  for (int i = 0; i < kKeys; ++i) {
    const auto after = three[rendezvous(key(i), three)].place;
    if (before[static_cast<std::size_t>(i)] != 2) REQUIRE(after == before[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("rendezvous: who comes takes an equal part, and nobody else's keys are exchanged") {
  const auto five = candidates({1, 1, 1, 1, 1});
  const std::span<const Candidate> four(five.data(), 4);
  int moved = 0;
  for (int i = 0; i < kKeys; ++i) {
    const auto before = rendezvous(key(i), four), after = rendezvous(key(i), five);
    if (before == after) continue;
    REQUIRE(after == 4);
    ++moved;
  }
  CHECK(std::abs(moved - kKeys / 5) < 4 * std::sqrt(kKeys / 5));
}

TEST_CASE("rendezvous: neither the order of upstreams nor a restart moves a key") {
  const auto three = candidates({1, 1, 1});
  std::vector<Candidate> turned(three.rbegin(), three.rend());
  for (int i = 0; i < 100; ++i)
    CHECK(three[rendezvous(key(i), three)].name == turned[rendezvous(key(i), turned)].name);
  // What another process says of the same keys.
  std::string order;
  for (int i = 0; i < 12; ++i) order += "abc"[rendezvous(key(i), three)];
  CHECK(order == "bbbccbaacccc");
}

TEST_CASE("chance is by weight") {
  const auto two = candidates({1, 3});
  int second = 0;
  for (int i = 0; i < 1000; ++i) second += weighted((i + 0.5) / 1000, two) == 1;
  CHECK(second == 750);
  CHECK(weighted(0.9999999999, two) == 1);
}

TEST_CASE("the least loaded for its weight, and equals in turn") {
  auto three = candidates({1, 1, 2});
  three[0].load = 4;
  three[1].load = 3;
  three[2].load = 7;
  CHECK(least_loaded(three, 0) == 1);
  three[1].load = 4;
  CHECK(least_loaded(three, 0) == 2);
  const auto idle = candidates({1, 1});
  CHECK(least_loaded(idle, 0) != least_loaded(idle, 1));
}

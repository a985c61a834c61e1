#include "tcp/unanswered.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace std::chrono_literals;

namespace {

const Address kOne = *Address::parse("192.0.2.1");
const Address kOther = *Address::parse("192.0.2.2");
const Time kStart = Time{} + 1h;

}  // namespace

TEST_CASE("a stranger has eight unanswered requests over all its connections") {
  Unanswered u(HashKey{1, 2});
  for (std::uint64_t i = 1; i <= Unanswered::kPerStranger; ++i) {
    CHECK_FALSE(u.full(kOne, kStart));
    u.add(kOne, i % 3, i, kStart);
  }
  CHECK(u.full(kOne, kStart));
  CHECK_FALSE(u.full(kOther, kStart));
  u.add(kOne, 1, 99, kStart);  // there is no place for it
  CHECK(u.remove(kOne, 3, kStart));
  CHECK_FALSE(u.remove(kOne, 3, kStart));
  CHECK_FALSE(u.full(kOne, kStart));
}

TEST_CASE("a retransmission takes no second place") {
  Unanswered u(HashKey{1, 2});
  for (int i = 0; i < 20; ++i) u.add(kOne, 1, 7, kStart);
  CHECK_FALSE(u.full(kOne, kStart));
  CHECK(u.remove(kOne, 7, kStart));
  CHECK_FALSE(u.remove(kOne, 7, kStart));
}

TEST_CASE("a request that is never answered gives its place back after 32 s") {
  Unanswered u(HashKey{1, 2});
  for (std::uint64_t i = 1; i <= Unanswered::kPerStranger; ++i) u.add(kOne, 1, i, kStart);
  CHECK(u.full(kOne, kStart + Unanswered::kPatience - 1ms));
  CHECK_FALSE(u.full(kOne, kStart + Unanswered::kPatience));
}

TEST_CASE("what an upstream that hung up will not answer is forgotten, for that connection only") {
  Unanswered u(HashKey{1, 2});
  for (std::uint64_t i = 1; i <= Unanswered::kPerStranger; ++i) u.add(kOne, i % 2, i, kStart);
  u.forget(kOne, 1, kStart);
  for (std::uint64_t i = 1; i <= Unanswered::kPerStranger; ++i)
    CHECK(u.remove(kOne, i, kStart) == (i % 2 == 0));
}

TEST_CASE("a connection that is known has 64 unanswered requests") {
  Unanswered::Known known;
  for (std::uint64_t i = 1; i <= Unanswered::kPerConnection; ++i) {
    CHECK_FALSE(known.full(kStart));
    known.add(i, kStart);
    known.add(i, kStart);
  }
  CHECK(known.full(kStart));
  CHECK(known.remove(1));
  CHECK_FALSE(known.full(kStart));
  known.add(1, kStart + 1s);
  CHECK(known.full(kStart + Unanswered::kPatience - 1ms));
  CHECK_FALSE(known.full(kStart + Unanswered::kPatience));
}

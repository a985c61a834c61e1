#include "call_table.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::respond;
using namespace std::chrono_literals;

namespace {

Peer peer(const char* endpoint) {
  Peer out;
  out.remote = *Endpoint::parse(endpoint);
  return out;
}

const CallTable::Send kNowhere = [](const Peer&, std::string_view) {};

}  // namespace

TEST_CASE("ended calls are forgotten, oldest first, when there are too many") {
  CallTable table;
  const CallTable::Limits limits{.calls = 3};
  const Time start{};
  for (std::uint64_t key = 1; key <= 10; ++key) {
    Call* const call = table.open(key, peer("198.51.100.7:5060"), start, limits);
    REQUIRE(call != nullptr);
    table.end(*call, start);
  }
  CHECK(table.size() == 3);
  CHECK(table.find(7) == nullptr);
  CHECK(table.find(10) != nullptr);
  table.run(start + CallTable::kGiveUp, kNowhere);
  CHECK(table.size() == 0);
  CHECK(table.next_due() == Time::max());
}

TEST_CASE("a call that nobody speaks in ends after an hour") {
  CallTable table;
  const Time start{};
  Call* const call = table.open(1, peer("198.51.100.7:5060"), start, {});
  REQUIRE(call != nullptr);
  table.run(start, kNowhere);
  table.acknowledged(*call, start);
  table.run(start + 30min, kNowhere);
  table.touch(*call, start + 30min);
  table.run(start + 89min, kNowhere);
  CHECK(table.size() == 1);
  table.run(start + 90min, kNowhere);
  CHECK(table.size() == 0);
}

TEST_CASE("what waits is counted by address and given back") {
  CallTable table;
  const CallTable::Limits limits{.calls = 100, .waiting = 1};
  const Time start{};
  Call* const call = table.open(1, peer("198.51.100.7:5060"), start, limits);
  REQUIRE(call != nullptr);
  CHECK(table.open(2, peer("198.51.100.7:5061"), start, limits) == nullptr);
  table.run(start, kNowhere);
  table.acknowledged(*call, start);
  REQUIRE(table.open(2, peer("198.51.100.7:5061"), start, limits) != nullptr);
  // A re-INVITE by another address is counted there.
  table.answered(*table.find(1), peer("203.0.113.5:5060"), start);
  CHECK(table.open(3, peer("203.0.113.5:5060"), start, limits) == nullptr);
  table.run(start + CallTable::kGiveUp * 2, kNowhere);
  CHECK(table.size() == 1);  // the second rang only now
  CHECK(table.open(3, peer("203.0.113.5:5060"), start, limits) != nullptr);
}

TEST_CASE("a key is never given twice") {
  CallTable table;
  REQUIRE(table.open(1, peer("198.51.100.7:5060"), Time{}, {}) != nullptr);
  CHECK(table.open(1, peer("198.51.100.8:5060"), Time{}, {}) == nullptr);
  CHECK(table.size() == 1);
}

#include "conversations.hpp"

#include <catch2/catch.hpp>

#include "sipward/testing/fake_clock.hpp"

using namespace sipward;
using namespace sipward::proxy;
using namespace std::chrono_literals;

namespace {

struct Table {
  test::FakeClock clock;
  Targets targets{1};
  Conversations all{targets, 64};
  std::shared_ptr<Target> one = targets.get(Transport::udp, *Endpoint::parse("192.0.2.1:5060"));
  std::shared_ptr<Target> two = targets.get(Transport::udp, *Endpoint::parse("192.0.2.2:5060"));
  std::uint32_t number(const std::shared_ptr<Target>& t) { return all.number(t->transport(), t->endpoint()); }
  Conversation& open(std::uint64_t key, Stage stage, Duration lives = 30s) {
    auto& c = all.open(key, number(one), clock.now());
    all.set(c, stage, clock.now() + lives);
    return c;
  }
};

}  // namespace

TEST_CASE("what goes on is counted where it does, up and down") {
  Table table;
  auto& c = table.open(1, Stage::asking);
  table.open(3, Stage::call);
  CHECK(table.one->active == 2);
  table.all.move(c, table.number(table.two));
  CHECK(table.one->active == 1);
  CHECK(table.two->active == 1);
  table.all.set(c, Stage::known, table.clock.now() + 10s);
  CHECK(table.two->active == 0);
  table.all.set(c, Stage::ringing, table.clock.now() + 10s);
  CHECK(table.two->active == 1);
  table.clock.advance(31s);
  table.all.sweep(table.clock.now(), [](Conversation&) { FAIL("nothing is left"); });
  CHECK(table.one->active == 0);
  CHECK(table.two->active == 0);
  CHECK(table.all.size() == 0);
}

TEST_CASE("a full table forgets strangers before clients and calls last, and never loses count") {
  Table table;
  for (std::uint64_t i = 0; i < 64; ++i) {
    auto& c = table.open(i << 8 | 1, Stage::call);
    c.proven = i < 8;  // one of each neighbourhood
  }
  for (std::uint64_t i = 64; i < 4096; ++i) table.open(i << 8 | 1, Stage::asking).proven = i % 2 == 0;
  for (std::uint64_t i = 0; i < 8; ++i) CHECK(table.all.find(i << 8 | 1, table.clock.now()));
  CHECK(table.all.size() <= 64);
  CHECK(table.one->active == static_cast<std::int64_t>(table.all.size()));
}

TEST_CASE("an upstream that no name leads to any more is known while something belongs to it") {
  Table table;
  table.open(1, Stage::call, 1h);
  table.two.reset();
  const std::weak_ptr<Target> weak = table.one;
  table.one.reset();
  table.all.sweep(table.clock.now(), [](Conversation&) {});
  REQUIRE_FALSE(weak.expired());
  CHECK(table.targets.get(Transport::udp, *Endpoint::parse("192.0.2.1:5060")) == weak.lock());
  table.clock.advance(2h);
  table.all.sweep(table.clock.now(), [](Conversation&) {});
  CHECK(weak.expired());
}

TEST_CASE("all that goes on ends with the table") {
  Targets targets(1);
  const auto one = targets.get(Transport::udp, *Endpoint::parse("192.0.2.1:5060"));
  {
    Conversations all(targets, 64);
    all.set(all.open(1, all.number(one->transport(), one->endpoint()), Time{}), Stage::call, Time{} + 1h);
    CHECK(one->active == 1);
  }
  CHECK(one->active == 0);
}

#include "ban_store.hpp"

#include <catch2/catch.hpp>

#include "sipward/testing/fake_clock.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using sipward::test::FakeClock;

namespace {

std::unique_ptr<Ban> make_ban(std::string_view prefix, bool automatic = true) {
  auto ban = std::make_unique<Ban>();
  ban->prefix = *Cidr::parse(prefix);
  ban->automatic = automatic;
  ban->reason = "scanner";
  return ban;
}

}  // namespace

TEST_CASE("a ban carries its times and is listed until it expires") {
  FakeClock clock;
  BanStore store(clock);
  const auto added = store.add(make_ban("192.0.2.1"), 60s);
  REQUIRE(added.ban);
  CHECK(added.ban->expires_at - added.ban->banned_at == 60s);
  CHECK(store.list({}).bans.size() == 1);
  clock.advance(60s);
  CHECK(store.list({}).bans.empty());
  CHECK(store.size() == 0);
}

TEST_CASE("a new ban of the same address replaces the old one") {
  FakeClock clock;
  BanStore store(clock);
  store.add(make_ban("192.0.2.1"), 60s);
  store.add(make_ban("192.0.2.1", false), 3600s);
  REQUIRE(store.size() == 1);
  CHECK(store.list({}).bans[0]->expires_at - clock.wall() == 3600s);
}

TEST_CASE("the list is paged by a cursor and filtered by address and reason") {
  FakeClock clock;
  BanStore store(clock);
  for (int i = 1; i <= 5; ++i) store.add(make_ban("192.0.2." + std::to_string(i)), 60s);
  auto other = make_ban("198.51.100.0/24", false);
  other->scope = Scope::network;
  other->reason = "by hand";
  store.add(std::move(other), 60s);

  auto page = store.list({std::nullopt, {}, 0, 4});
  CHECK(page.bans.size() == 4);
  CHECK(page.count == 6);
  page = store.list({std::nullopt, {}, page.next, 4});
  CHECK(page.bans.size() == 2);
  CHECK(page.next == 0);
  CHECK(store.list({std::nullopt, "by hand", 0, 10}).count == 1);
  CHECK(store.list({Address::parse("198.51.100.7"), {}, 0, 10}).count == 1);
  CHECK(store.list({Address::parse("203.0.113.1"), {}, 0, 10}).count == 0);
}

TEST_CASE("past the limit the oldest automatic ban gives way, one made by hand stays") {
  FakeClock clock;
  BanStore::Limits limits;
  limits.bans = 3;
  BanStore store(clock, limits);
  store.add(make_ban("192.0.2.1", false), 60s);
  store.add(make_ban("192.0.2.2"), 60s);
  store.add(make_ban("192.0.2.3"), 60s);
  const auto added = store.add(make_ban("192.0.2.4"), 60s);
  REQUIRE(added.out.size() == 1);
  CHECK(added.out[0]->prefix.to_string() == "192.0.2.2");
  CHECK(store.size() == 3);
  CHECK(store.find(*Cidr::parse("192.0.2.1")));
}

TEST_CASE("bans of flows and users have a limit of their own; the oldest automatic one of them gives way") {
  FakeClock clock;
  BanStore::Limits limits;
  limits.narrow = 2;
  BanStore store(clock, limits);
  store.add(make_ban("192.0.2.1"), 60s);
  const auto flow = [&](Port port, bool automatic = true) {
    auto ban = std::make_unique<Ban>(Scope::flow, *Cidr::parse("192.0.2.2"), port, 0);
    ban->automatic = automatic;
    return store.add(std::move(ban), 60s);
  };
  flow(1, false);
  flow(2);
  const auto added = flow(3, false);
  REQUIRE(added.out.size() == 1);
  CHECK(added.out[0]->port == 2);
  CHECK_FALSE(flow(4).ban);
  CHECK(store.size() == 3);
}

TEST_CASE("a ban made by hand stays when the table is full of such") {
  FakeClock clock;
  BanStore::Limits limits;
  limits.bans = 2;
  BanStore store(clock, limits);
  store.add(make_ban("192.0.2.1", false), 60s);
  store.add(make_ban("192.0.2.2", false), 60s);
  CHECK_FALSE(store.add(make_ban("192.0.2.3"), 60s).ban);
  CHECK_FALSE(store.add(make_ban("192.0.2.4", false), 60s).ban);
  clock.advance(60s);
  CHECK(store.add(make_ban("192.0.2.3"), 60s).ban);
}

TEST_CASE("what ended by time is told once, in the order of the ends") {
  FakeClock clock;
  BanStore store(clock);
  CHECK(store.take_ended(10).empty());
  store.add(make_ban("192.0.2.1"), 60s);
  store.add(make_ban("192.0.2.2"), 30s);
  store.add(make_ban("192.0.2.3"), 90s);
  clock.advance(60s);
  CHECK(store.size() == 1);
  const auto ended = store.take_ended(10);
  REQUIRE(ended.size() == 2);
  CHECK(ended[0]->prefix.to_string() == "192.0.2.2");
  CHECK(ended[1]->reason == "scanner");
  CHECK(store.take_ended(10).empty());
}

TEST_CASE("a machine that has just started remembers what was before its start") {
  struct JustStarted final : Clock {
    Time now() const override { return Time{} + 1min; }
    WallTime wall() const override { return WallTime{} + 24h * 365 * 50; }
  } clock;
  BanStore store(clock);
  store.restore({Scope::address, *Cidr::parse("192.0.2.1"), 0, {}, 2, clock.wall() - 24h}, 0);
  store.restore({Scope::address, *Cidr::parse("192.0.2.2"), 0, {}, 2, clock.wall() - 24h * 8}, 0);
  CHECK(store.add(make_ban("192.0.2.1"), 60s, 2, 24h).ban->expires - clock.now() == 240s);
  CHECK(store.add(make_ban("192.0.2.2"), 60s, 2, 24h).ban->expires - clock.now() == 60s);
  auto kept = make_ban("192.0.2.3");
  kept->banned_at = clock.wall() - 24h;
  kept->expires_at = clock.wall() + 1h;
  kept->signals.push_back({Time{} + (clock.wall() - 24h - WallTime{})});
  const auto ban = store.restore(std::move(kept)).ban;
  REQUIRE(ban);
  CHECK(ban->expires - clock.now() == 1h);
  CHECK(ban->signals[0].at == clock.now() - 24h);
}

TEST_CASE("everything that covers an address is found, and nothing of its neighbours") {
  FakeClock clock;
  BanStore store(clock);
  const auto add = [&](Scope scope, const char* prefix, Port port = 0, std::uint64_t user = 0) {
    store.add(std::make_unique<Ban>(scope, *Cidr::parse(prefix), port, user), 60s);
  };
  add(Scope::network, "192.0.0.0/8");
  add(Scope::address, "192.0.2.1");
  add(Scope::flow, "192.0.2.1", 5060);
  add(Scope::flow, "192.0.2.1", 5070);
  add(Scope::identity, "192.0.2.1", 0, 7);
  add(Scope::address, "192.0.2.2");
  add(Scope::flow, "192.0.2.0", 5060);
  add(Scope::address, "2001:db8::/64");
  add(Scope::identity, "2001:db8::/64", 0, 7);
  add(Scope::flow, "2001:db8::5", 5060);
  add(Scope::network, "::/0");
  const auto count = [&](const char* address) { return store.covering(*Address::parse(address)).size(); };
  CHECK(count("192.0.2.1") == 5);
  CHECK(count("192.0.2.2") == 2);
  CHECK(count("192.0.2.3") == 1);
  CHECK(count("198.51.100.1") == 0);
  CHECK(count("2001:db8::5") == 4);
  CHECK(count("2001:db8::6") == 3);
  CHECK(count("2001:db8:1::") == 1);
  CHECK(store.remove(*Cidr::parse("192.0.2.1")).size() == 4);
  CHECK(store.remove(*Cidr::parse("2001:db8::/64")).size() == 3);
  CHECK(store.remove(*Cidr::parse("0.0.0.0/0")).size() == 3);
  CHECK(store.size() == 1);
}

TEST_CASE("automatic bans are limited per minute, those by hand are not") {
  FakeClock clock;
  BanStore::Limits limits;
  limits.per_minute = 2;
  BanStore store(clock, limits);
  CHECK(store.add(make_ban("192.0.2.1"), 60s).ban);
  CHECK(store.add(make_ban("192.0.2.2"), 60s).ban);
  CHECK_FALSE(store.add(make_ban("192.0.2.3"), 60s).ban);
  CHECK(store.add(make_ban("192.0.2.4", false), 60s).ban);
  clock.advance(60s);
  CHECK(store.add(make_ban("192.0.2.3"), 60s).ban);
}

TEST_CASE("escalation multiplies the time of each repeat up to its limit") {
  FakeClock clock;
  BanStore store(clock);
  const auto next = [&] {
    const auto ban = store.add(make_ban("192.0.2.1"), 1h, 2, 5h).ban;
    clock.advance(24h);
    return ban->expires_at - ban->banned_at;
  };
  CHECK(next() == 1h);
  CHECK(next() == 2h);
  CHECK(next() == 4h);
  CHECK(next() == 5h);
  clock.advance(BanStore::kRepeatMemory);
  CHECK(next() == 1h);
}

TEST_CASE("unbanning a prefix lifts every ban inside it, and no wider one") {
  FakeClock clock;
  BanStore store(clock);
  store.add(make_ban("192.0.2.1"), 1h);
  store.add(std::make_unique<Ban>(Scope::identity, *Cidr::parse("192.0.2.1"), Port{0}, 9), 1h);
  store.add(std::make_unique<Ban>(Scope::network, *Cidr::parse("192.0.0.0/16"), Port{0}, 0), 1h);
  CHECK(store.remove(*Cidr::parse("192.0.2.1")).size() == 2);
  CHECK(store.size() == 1);
  CHECK(store.remove(*Cidr::parse("192.0.2.1")).empty());
}

TEST_CASE("what covers an address is found: its network, itself, its users") {
  FakeClock clock;
  BanStore store(clock);
  store.add(std::make_unique<Ban>(Scope::network, *Cidr::parse("192.0.2.0/24"), Port{0}, 0), 1h);
  store.add(std::make_unique<Ban>(Scope::identity, *Cidr::parse("2001:db8::/64"), Port{0}, 9), 1h);
  CHECK(store.covering(*Address::parse("192.0.2.77")).size() == 1);
  CHECK(store.covering(*Address::parse("2001:db8::77")).size() == 1);
  CHECK(store.covering(*Address::parse("2001:db8:0:1::77")).empty());
}

TEST_CASE("soft blocks are shown while they last, the newest of them") {
  FakeClock clock;
  BanStore::Limits limits;
  limits.soft_blocks = 2;
  BanStore store(clock, limits);
  for (int i = 1; i <= 3; ++i) {
    SoftBlockRecord record;
    record.address = *Address::parse("192.0.2." + std::to_string(i));
    record.until = clock.now() + 60s;
    store.note(std::move(record));
  }
  CHECK_FALSE(store.soft_block(*Address::parse("192.0.2.1")));
  CHECK(store.soft_block(*Address::parse("192.0.2.3")));
  clock.advance(60s);
  CHECK(store.soft_blocks().empty());
}

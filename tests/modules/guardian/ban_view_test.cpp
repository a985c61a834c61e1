#include "ban_view.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const Time kNow = Time{} + 1h;

Address addr(std::string_view text) {
  return *Address::parse(text);
}

// A table and one worker's view of it.
struct Bans {
  BanSlot put(Scope scope, const Cidr& prefix, Duration left = 1h, Port port = 0, std::uint64_t user = 0) {
    Ban ban(scope, prefix, port, user);
    ban.id = ++last_id;
    ban.expires = kNow + left;
    return table->put(std::move(ban));
  }
  BanSlot put(const char* prefix, Duration left = 1h, Scope scope = Scope::address) {
    return put(scope, *Cidr::parse(prefix), left);
  }
  bool bites(const char* address, Time now = kNow) {
    return static_cast<bool>(view.find(addr(address), now));
  }

  std::uint64_t last_id = 0;
  std::shared_ptr<BanTable> table = std::make_shared<BanTable>(HashKey{1, 2}, 100'000);
  BanView view{table};
};

}  // namespace

TEST_CASE("a banned address is found, its neighbour is not") {
  Bans bans;
  CHECK(bans.view.empty());
  bans.put("192.0.2.1");
  CHECK(bans.bites("192.0.2.1"));
  CHECK(bans.bites("::ffff:192.0.2.1"));
  CHECK_FALSE(bans.bites("192.0.2.2"));
}

TEST_CASE("a ban ends when it expires, before anybody takes it out") {
  Bans bans;
  const auto slot = bans.put("192.0.2.1", 10s);
  CHECK(bans.bites("192.0.2.1", kNow + 9999ms));
  CHECK_FALSE(bans.bites("192.0.2.1", kNow + 10s));
  bans.table->erase(slot);
  CHECK(bans.view.empty());
}

TEST_CASE("networks of any length ban what they hold, in their own family") {
  Bans bans;
  bans.put("198.51.100.0/25", 1h, Scope::network);
  bans.put("2001:db8:1::/48", 1h, Scope::network);
  CHECK(bans.bites("198.51.100.127"));
  CHECK_FALSE(bans.bites("198.51.100.128"));
  CHECK(bans.bites("2001:db8:1:2::3"));
  CHECK_FALSE(bans.bites("2001:db8:2::1"));
}

TEST_CASE("flow and identity bans hold for that port and that user alone") {
  Bans bans;
  auto& view = bans.view;
  const auto flow = bans.put(Scope::flow, *Cidr::parse("192.0.2.1"), 1h, 5062);
  const auto user = bans.put(Scope::identity, *Cidr::parse("192.0.2.1"), 1h, 0, 77);
  CHECK(view.has_narrow());
  CHECK_FALSE(bans.bites("192.0.2.1"));
  CHECK(view.find_flow({addr("192.0.2.1"), 5062}, kNow));
  CHECK_FALSE(view.find_flow({addr("192.0.2.1"), 5063}, kNow));
  CHECK(view.find_identity(addr("192.0.2.1"), 77, kNow));
  CHECK_FALSE(view.find_identity(addr("192.0.2.1"), 78, kNow));
  bans.table->erase(flow);
  bans.table->erase(user);
  CHECK(view.empty());
  CHECK_FALSE(view.has_narrow());
}

TEST_CASE("a hit is counted for the ban that was found") {
  Bans bans;
  bans.put("192.0.2.2");
  const auto slot = bans.put("192.0.2.1");
  bans.view.find(addr("192.0.2.1"), kNow).hit();
  bans.view.find(addr("192.0.2.1"), kNow).hit();
  CHECK(bans.table->read(slot)->hits == 2);
}

TEST_CASE("a ban of one worker alone covers what it names, for as long as it says") {
  Bans bans;
  BanView other(bans.table);
  bans.view.ban_here({Scope::network, *Cidr::parse("192.0.2.0/24"), 0, 0}, kNow + 60s, kNow);
  bans.view.ban_here({Scope::address, *Cidr::parse("2001:db8::/64"), 0, 0}, kNow + 60s, kNow);
  bans.view.ban_here({Scope::flow, *Cidr::parse("198.51.100.1"), 5062, 0}, kNow + 60s, kNow);
  CHECK(bans.bites("192.0.2.77"));
  CHECK(bans.bites("2001:db8::77"));
  CHECK(bans.view.find_flow({addr("198.51.100.1"), 5062}, kNow));
  CHECK_FALSE(bans.bites("198.51.100.1"));
  CHECK_FALSE(other.find(addr("192.0.2.77"), kNow));
  CHECK_FALSE(bans.bites("192.0.2.77", kNow + 60s));
  bans.view.forget(*Cidr::parse("2001:db8::/64"));
  CHECK_FALSE(bans.bites("2001:db8::77"));
}

TEST_CASE("thousands of bans are all found, and all gone when erased in any order") {
  Bans bans;
  const auto nth = [](std::uint32_t i) { return Cidr{Address::v4(0xC0000000 + i * 7), 32}; };
  std::vector<BanSlot> slots;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    slots.push_back(bans.put(Scope::address, nth(i)));
    REQUIRE(bans.put(Scope::address, nth(i)) == slots.back());
  }
  CHECK(bans.table->size() == 5000);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    REQUIRE(bans.view.find(nth(i).base, kNow));
    REQUIRE(bans.table->read(slots[i])->prefix == nth(i));
  }
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const std::uint32_t n = i * 1237 % 5000;
    bans.table->erase(slots[n]);
    REQUIRE_FALSE(bans.view.find(nth(n).base, kNow));
    const std::uint32_t next = (i + 1) * 1237 % 5000;
    REQUIRE((i == 4999 || bans.view.find(nth(next).base, kNow)));
  }
  CHECK(bans.view.empty());
}

TEST_CASE("an IPv6 host is its /64") {
  CHECK(source_of(addr("2001:db8::1:2:3:4")) == addr("2001:db8::"));
  CHECK(source_of(addr("192.0.2.9")) == addr("192.0.2.9"));
  CHECK(host_prefix(addr("2001:db8::1")).to_string() == "2001:db8::/64");
}

#include "ban_view.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const Time kNow = Time{} + 1h;

BanPtr make_ban(std::string_view prefix, Duration left = 1h, Scope scope = Scope::address) {
  auto ban = std::make_shared<Ban>();
  ban->prefix = *Cidr::parse(prefix);
  ban->scope = scope;
  ban->expires = kNow + left;
  return ban;
}

Address addr(std::string_view text) {
  return *Address::parse(text);
}

}  // namespace

TEST_CASE("a banned address is found, its neighbour is not") {
  BanView view(HashKey{1, 2});
  CHECK(view.empty());
  view.insert(make_ban("192.0.2.1"));
  CHECK(view.find(addr("192.0.2.1"), kNow));
  CHECK(view.find(addr("::ffff:192.0.2.1"), kNow));
  CHECK_FALSE(view.find(addr("192.0.2.2"), kNow));
}

TEST_CASE("a ban ends when it expires, before anybody sweeps") {
  BanView view(HashKey{1, 2});
  view.insert(make_ban("192.0.2.1", 10s));
  CHECK(view.find(addr("192.0.2.1"), kNow + 9999ms));
  CHECK_FALSE(view.find(addr("192.0.2.1"), kNow + 10s));
  view.expire(kNow + 10s);
  CHECK(view.empty());
}

TEST_CASE("networks of any length ban what they hold, in their own family") {
  BanView view(HashKey{1, 2});
  view.insert(make_ban("198.51.100.0/25", 1h, Scope::network));
  view.insert(make_ban("2001:db8:1::/48", 1h, Scope::network));
  CHECK(view.find(addr("198.51.100.127"), kNow));
  CHECK_FALSE(view.find(addr("198.51.100.128"), kNow));
  CHECK(view.find(addr("2001:db8:1:2::3"), kNow));
  CHECK_FALSE(view.find(addr("2001:db8:2::1"), kNow));
}

TEST_CASE("flow and identity bans hold for that port and that user alone") {
  BanView view(HashKey{1, 2});
  auto flow = std::make_shared<Ban>(Scope::flow, *Cidr::parse("192.0.2.1"), Port{5062}, 0);
  flow->expires = kNow + 1h;
  auto user = std::make_shared<Ban>(Scope::identity, *Cidr::parse("192.0.2.1"), Port{0}, 77);
  user->expires = kNow + 1h;
  view.insert(flow);
  view.insert(user);
  CHECK(view.has_narrow());
  CHECK_FALSE(view.find(addr("192.0.2.1"), kNow));
  CHECK(view.find_flow({addr("192.0.2.1"), 5062}, kNow));
  CHECK_FALSE(view.find_flow({addr("192.0.2.1"), 5063}, kNow));
  CHECK(view.find_identity(addr("192.0.2.1"), 77, kNow));
  CHECK_FALSE(view.find_identity(addr("192.0.2.1"), 78, kNow));
  view.forget(*Cidr::parse("192.0.2.1"));
  CHECK(view.empty());
  CHECK_FALSE(view.has_narrow());
}

TEST_CASE("thousands of bans are all found, and all gone when erased in any order") {
  BanView view(HashKey{3, 4});
  std::vector<BanPtr> bans;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    auto ban = std::make_shared<Ban>(Scope::address, Cidr{Address::v4(0xC0000000 + i * 7), 32}, Port{0}, 0);
    ban->expires = kNow + (i % 2 == 0 ? 1h : 1min);
    bans.push_back(ban);
    view.insert(bans.back());
    view.insert(bans.back());
  }
  CHECK(view.size() == 5000);
  for (const auto& ban : bans) REQUIRE(view.find(ban->prefix.base, kNow) == ban.get());
  view.expire(kNow + 1min);
  view.expire(kNow + 1min);
  CHECK(view.size() == 2500);
  for (std::size_t i = 0; i < bans.size(); i += 2) {
    REQUIRE(view.find(bans[i]->prefix.base, kNow));
    view.erase(*bans[i]);
    REQUIRE_FALSE(view.find(bans[i]->prefix.base, kNow));
  }
  CHECK(view.empty());
}

TEST_CASE("an IPv6 host is its /64") {
  CHECK(source_of(addr("2001:db8::1:2:3:4")) == addr("2001:db8::"));
  CHECK(source_of(addr("192.0.2.9")) == addr("192.0.2.9"));
  CHECK(host_prefix(addr("2001:db8::1")).to_string() == "2001:db8::/64");
}

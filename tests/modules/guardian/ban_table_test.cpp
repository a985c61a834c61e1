#include "ban_table.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "ban_view.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const Time kNow = Time{} + 1h;

Cidr nth(std::uint32_t i) {
  return {Address::v4(i * 2654435761U), 32};
}

Ban make_ban(std::uint64_t id, const Cidr& prefix, Duration left = 1h) {
  Ban ban(Scope::address, prefix, 0, 0);
  ban.id = id;
  ban.reason = "scanner";
  ban.source = "guardian";
  ban.expires = kNow + left;
  return ban;
}

std::vector<std::uint64_t> ids_after(const BanTable& table, std::uint64_t after) {
  std::vector<std::uint64_t> ids;
  table.visit(after, [&](BanSlot slot) {
    ids.push_back(table.record(slot).id);
    return true;
  });
  return ids;
}

}  // namespace

TEST_CASE("a ban is read as it was put in") {
  BanTable table(HashKey{1, 2}, 100);
  Ban ban(Scope::identity, *Cidr::parse("2001:db8::/64"), 0, 77);
  ban.id = 1;
  ban.user_text = "alice";
  ban.reason = "wrong_password";
  ban.source = "guardian";
  ban.automatic = false;
  ban.evidence = Evidence::trusted;
  ban.proof = Proof::nonce;
  ban.banned_at = WallTime{} + 1234567ms;
  ban.expires_at = WallTime{} + 9876543210ms;
  ban.expires = kNow + 1ns;
  ban.hits = 5;
  ban.signals.push_back({kNow, Reason::wrong_password});
  ban.excerpt = "REGISTER";
  const auto copy = table.read(table.put(Ban(ban)));
  CHECK(copy->id == 1);
  CHECK(copy->scope == Scope::identity);
  CHECK(copy->prefix == ban.prefix);
  CHECK(copy->user == 77);
  CHECK(copy->user_text == "alice");
  CHECK(copy->reason == "wrong_password");
  CHECK(copy->source == "guardian");
  CHECK_FALSE(copy->automatic);
  CHECK(copy->evidence == Evidence::trusted);
  CHECK(copy->proof == Proof::nonce);
  CHECK(copy->banned_at == ban.banned_at);
  CHECK(copy->expires_at == ban.expires_at);
  CHECK(copy->expires == ban.expires);
  CHECK(copy->hits == 5);
  CHECK(copy->signals.size() == 1);
  CHECK(copy->excerpt == "REGISTER");
}

TEST_CASE("a flow of IPv6 keeps its whole address") {
  BanTable table(HashKey{1, 2}, 100);
  Ban ban(Scope::flow, *Cidr::parse("2001:db8::1:2:3:4"), 5062, 0);
  ban.id = 1;
  const auto copy = table.read(table.put(std::move(ban)));
  CHECK(copy->prefix.to_string() == "2001:db8::1:2:3:4");
  CHECK(copy->port == 5062);
}

TEST_CASE("a million bans fit into 100 MiB") {
  constexpr std::size_t kBans = 150'000;
  BanTable table(HashKey{1, 2}, 1'000'000);
  for (std::uint32_t i = 0; i < kBans; ++i) table.put(make_ban(i + 1, nth(i)));
  CHECK(table.size() == kBans);
  CHECK(table.octets() * (1'000'000 / kBans + 1) < std::size_t{100} << 20);
}

TEST_CASE("what led to the newest bans is kept, as far as there is room") {
  BanTable table(HashKey{1, 2}, 1'000, 1 << 20);
  std::vector<BanSlot> slots;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    auto ban = make_ban(i + 1, nth(i));
    ban.excerpt.assign(2'000, 'x');
    slots.push_back(table.put(std::move(ban)));
    REQUIRE(table.octets() <= std::size_t{1} << 20);
  }
  CHECK(table.read(slots.back())->excerpt.size() == 2'000);
  CHECK(table.read(slots.front())->excerpt.empty());
  CHECK(table.read(slots.front())->reason == "scanner");
}

TEST_CASE("bans are in the order of their ids and of their ends, whatever comes and goes") {
  BanTable table(HashKey{1, 2}, 10'000);
  std::vector<BanSlot> slots;
  for (std::uint32_t i = 0; i < 4'000; ++i)
    slots.push_back(table.put(make_ban(i + 1, nth(i), std::chrono::seconds(i * 7919 % 4'001 + 1))));
  std::vector<std::uint64_t> left;
  for (std::uint32_t i = 0; i < 4'000; ++i) {
    if (i % 5 == 0)
      left.push_back(i + 1);
    else
      table.erase(slots[i]);
  }
  CHECK(ids_after(table, 0) == left);
  CHECK(ids_after(table, 3'000).front() == 3'001);
  CHECK(ids_after(table, 3'001).front() == 3'006);
  CHECK(ids_after(table, 4'000).empty());
  CHECK(table.at(3'001) == slots[3'000]);
  CHECK(table.at(3'002) == kNoBan);
  Time last{};
  for (std::size_t i = 0; i < left.size(); ++i) {
    const BanSlot first = table.first_to_end();
    REQUIRE(table.record(first).expires() >= last);
    last = table.record(first).expires();
    table.erase(first);
  }
  CHECK(table.size() == 0);
  CHECK(table.first_to_end() == kNoBan);
}

TEST_CASE("bans that have ended wait to be told of, the newest of them") {
  BanTable table(HashKey{1, 2}, 10);
  for (std::uint32_t i = 0; i < 6'000; ++i) table.end(table.put(make_ban(i + 1, nth(i % 3))));
  CHECK(table.size() == 0);
  std::uint64_t last = 0;
  std::size_t told = 0;
  while (const auto ban = table.next_ended()) last = ban->id, ++told;
  CHECK(last == 6'000);
  CHECK(told >= 4'000);
  CHECK(told < 6'000);
}

// What ThreadSanitizer is to look at: workers ask while bans come, go and the index grows.
TEST_CASE("a ban that stays is found all the while others come and go") {
  constexpr std::uint32_t kStay = 500;
  BanTable table(HashKey{1, 2}, 20'000);
  const auto shared_table = std::shared_ptr<const BanTable>(std::shared_ptr<void>(), &table);
  for (std::uint32_t i = 0; i < kStay; ++i) table.put(make_ban(i + 1, nth(i)));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> missed{0}, asked{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 2; ++w) {
    workers.emplace_back([&] {
      BanView view(shared_table);
      std::array<Address, 32> batch;
      for (std::uint32_t i = 0; !stop.load(); ++i) {
        for (std::uint32_t k = 0; k < 32; ++k) batch[k] = nth((i * 32 + k) % (2 * kStay)).base;
        view.foresee(batch);
        for (std::uint32_t k = 0; k < 32; ++k) {
          const auto bite = view.find(batch[k], kNow);
          if ((i * 32 + k) % (2 * kStay) < kStay && !bite) ++missed;
          if (bite) bite.hit();
          ++asked;
        }
      }
    });
  }
  std::uint64_t id = kStay;
  for (int round = 0; round < 3; ++round) {
    std::vector<BanSlot> slots;
    for (std::uint32_t i = 0; i < 15'000; ++i) slots.push_back(table.put(make_ban(++id, nth(kStay + i))));
    for (const BanSlot slot : slots) table.erase(slot);
  }
  while (asked.load() < 100'000) std::this_thread::yield();
  stop = true;
  for (auto& worker : workers) worker.join();
  CHECK(missed == 0);
  CHECK(table.size() == kStay);
}

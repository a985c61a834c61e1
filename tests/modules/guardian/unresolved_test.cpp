#include "unresolved.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "instance.hpp"
#include "neighbourhoods.hpp"
#include "open_challenges.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

const HashKey kKey{11, 12};
const Time kNow = Time{} + 1000h;

Unresolved::Source source(std::uint32_t number, Grade grade = Grade::proven) {
  const auto host = Address::v4(number);
  return {host, keyed_hash(kKey, host), grade};
}
Extension user(std::string_view text) {
  return extension_of(text, kKey);
}
Extension user(unsigned number) {
  return user(std::to_string(number));
}

// Small tables, the default thresholds.
struct Watch {
  explicit Watch(const EnumerationOptions& options = {}, std::size_t sources = 1024, std::size_t users = 4096)
      : limits(options), unresolved(kKey, sources, users) {}

  Unresolved::Found join(std::string_view text, Duration after = 0s, bool unknown = true) {
    return join(user(text), after, unknown);
  }
  Unresolved::Found join(const Extension& extension, Duration after = 0s, bool unknown = true) {
    now += after;
    return unresolved.join(source(1), extension, unknown, limits, now);
  }
  // How many of the users, `apart`, were let go by before the first finding; and why.
  std::pair<std::size_t, Reason> until_found(const std::vector<unsigned>& users, Duration apart) {
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (const auto found = join(user(users[i]), apart)) return {i + 1, found.reason};
    }
    return {users.size(), Reason::none};
  }

  EnumerationLimits limits;
  Unresolved unresolved;
  Time now = kNow;
};

std::vector<unsigned> numbers(unsigned first, unsigned count, unsigned step = 1) {
  std::vector<unsigned> out(count);
  for (unsigned i = 0; i < count; ++i) out[i] = first + i * step;
  return out;
}

}  // namespace

TEST_CASE("spellings of one user are one user") {
  CHECK(user("100").key == user("0100").key);
  CHECK(user("100").key == user("+100").key);
  CHECK(user("100").key == user("%2b100").key);
  CHECK(user("100").key == user("%31%30%30").key);
  CHECK(user("Alice").key == user("aLICE").key);
  CHECK(user("100").key != user("1000").key);
  CHECK(user("0").is_number());
  CHECK(user("000").key == user("0").key);
  CHECK(user("").key == 0);
  CHECK(user("+").key == 0);
  CHECK_FALSE(user("1234567890123456789").is_number());
  CHECK(user(std::string(400, 'A')).key != 0);
}

TEST_CASE("a series keeps its width") {
  CHECK(same_series(user("0099"), user("0100")));
  CHECK(same_series(user("99"), user("100")));
  CHECK(same_series(user("0999"), user("1000")));
  CHECK_FALSE(same_series(user("99"), user("0100")));
}

TEST_CASE("five numbers in a row are found in any order") {
  auto in_order = numbers(100, 5);
  auto reversed = in_order;
  std::reverse(reversed.begin(), reversed.end());
  for (const auto& order : {in_order, reversed, {102, 100, 104, 101, 103}, {104, 100, 101, 103, 102}}) {
    Watch w;
    CHECK(w.until_found(order, 20s) == std::pair{std::size_t{5}, Reason::sequential_pattern});
  }
  Watch gaps;
  CHECK(gaps.until_found({100, 101, 102, 103, 105, 106, 107, 108}, 20s).second == Reason::none);
  CHECK(gaps.join(user(104), 1s).reason == Reason::sequential_pattern);
}

TEST_CASE("a row is told with its ends, goes down to 0 and counts each number once") {
  Watch w;
  CHECK_FALSE(w.join("2"));
  CHECK_FALSE(w.join("02"));
  CHECK_FALSE(w.join("1"));
  CHECK_FALSE(w.join("3"));
  CHECK_FALSE(w.join("0"));
  const auto found = w.join("4", 5s);
  CHECK(found.reason == Reason::sequential_pattern);
  CHECK(found.first == 0);
  CHECK(found.last == 4);
  CHECK(found.users == 5);
}

TEST_CASE("a row that is not asked for within the window is none") {
  Watch w;
  CHECK(w.until_found(numbers(100, 30), 80s).second == Reason::none);
}

TEST_CASE("ten users in half a minute are rapid, nine are not") {
  Watch w;
  CHECK(w.until_found(numbers(100, 9, 7), 2s).second == Reason::none);
  CHECK(w.join("900", 2s).reason == Reason::rapid_fire);
  Watch slower;
  CHECK(slower.until_found(numbers(100, 19, 7), 4s).second == Reason::none);
}

TEST_CASE("twenty users in five minutes are too many, and names count as numbers do") {
  Watch w;
  CHECK(w.until_found(numbers(100, 40, 7), 10s) == std::pair{std::size_t{20}, Reason::count_threshold});
  Watch names;
  for (int i = 0; i < 19; ++i) CHECK_FALSE(names.join("user" + std::to_string(i), 10s));
  CHECK(names.join("another", 10s).reason == Reason::count_threshold);
}

TEST_CASE("asking again for the same user is no new guess") {
  Watch w;
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(w.join(i % 2 == 0 ? "alice" : "ALICE", 1s));
}

TEST_CASE("who got in is no guess any more") {
  Watch w;
  for (int round = 0; round < 5; ++round) {
    for (const auto number : numbers(101, 4)) {
      CHECK_FALSE(w.join(user(number), 1s));
      w.unresolved.leave(source(1).key, user(number), w.limits, w.now);
    }
  }
  for (const auto number : numbers(100, 30)) {
    CHECK_FALSE(w.join(user(number), 1s));
    w.unresolved.leave(source(1).key, user(number), w.limits, w.now);
  }
}

TEST_CASE("after a finding a source is left in peace for a while, and then begins anew") {
  Watch w;
  CHECK(w.until_found(numbers(100, 5), 1s).second == Reason::sequential_pattern);
  CHECK(w.until_found(numbers(105, 20), 1s).second == Reason::none);
  w.now += 400s;
  CHECK(w.until_found(numbers(200, 5), 1s).second == Reason::sequential_pattern);
}

TEST_CASE("forged guesses and proven ones are counted apart") {
  Watch w;
  for (const auto number : numbers(100, 4)) {
    CHECK_FALSE(w.unresolved.join(source(1, Grade::unproven), user(number), true, w.limits, w.now));
  }
  CHECK_FALSE(w.join("104"));
  CHECK(w.unresolved.join(source(1, Grade::unproven), user("104"), true, w.limits, w.now));
}

TEST_CASE("a slow scan is found by users that the PBX does not know, within a day") {
  std::vector<unsigned> scan = numbers(1000, 2000);
  std::shuffle(scan.begin(), scan.end(), std::mt19937(4));
  for (const auto apart : {35s, 300s, 1200s}) {
    Watch w;
    const auto [asked, reason] = w.until_found(scan, apart);
    CHECK(reason == Reason::count_threshold);
    CHECK(asked >= 30);
    CHECK(asked <= 60);
  }
  Watch challenged;
  for (unsigned i = 0; i < 500; ++i) CHECK_FALSE(challenged.join(user(scan[i]), 35s, false));
}

TEST_CASE("a few users that the PBX does not know, asked for days, are nothing") {
  Watch w;
  for (int hour = 0; hour < 24 * 14; ++hour) {
    for (int i = 0; i < 15; ++i) CHECK_FALSE(w.join("gone" + std::to_string(i), 100s));
    w.now += 30min;
  }
  // One new wrong number a day never adds up.
  Watch misdials;
  for (unsigned day = 0; day < 400; ++day) CHECK_FALSE(misdials.join(user(5000 + 13 * day), 24h));
}

TEST_CASE("thresholds beyond what can be told are never reached") {
  EnumerationOptions options;
  options.max_extensions = options.sequential_threshold = options.rapid_fire_count = 1'000'000;
  Watch w(options);
  CHECK(w.until_found(numbers(1, 3000), 1ms).second == Reason::none);
}

TEST_CASE("what is forgotten by address begins anew") {
  Watch w;
  CHECK(w.until_found(numbers(100, 4), 1s).second == Reason::none);
  CHECK(w.unresolved.tracked() == 1);
  w.unresolved.forget(*Cidr::parse("0.0.0.1"));
  CHECK(w.unresolved.tracked() == 0);
  CHECK(w.until_found(numbers(104, 4), 1s).second == Reason::none);
}

TEST_CASE("expired sources are given back") {
  Watch w;
  for (std::uint32_t i = 0; i < 500; ++i) w.unresolved.join(source(i), user("1"), false, w.limits, w.now);
  CHECK(w.unresolved.tracked() > 450);
  for (int i = 0; i < 1000; ++i) w.unresolved.sweep(w.now += 1s);
  CHECK(w.unresolved.tracked() == 0);
}

TEST_CASE("few users that are asked for again and again in a flood don't become many") {
  Watch w({}, 64, 64);
  for (int round = 0; round < 200; ++round) {
    for (const char* one : {"line1", "line2", "line3"}) CHECK_FALSE(w.join(one, 100ms));
    for (std::uint32_t i = 0; i < 20; ++i) {
      const auto forger = source(1000 + static_cast<std::uint32_t>(round) % 7, Grade::unproven);
      w.unresolved.join(forger, user(static_cast<unsigned>(round) * 100 + 2 * i), true, w.limits, w.now);
    }
  }
}

TEST_CASE("100,000 sources are tracked in 64 MiB, whatever the number of workers") {
  constexpr std::size_t kMost = 64 * 1024 * 1024;
  const Neighbourhoods neighbourhoods(kKey);
  for (const std::size_t workers : {1, 2, 3, 5, 8}) {
    std::size_t octets = neighbourhoods.octets();
    std::vector<std::unique_ptr<Unresolved>> shares;
    for (std::size_t i = 0; i < workers; ++i) {
      shares.push_back(std::make_unique<Unresolved>(kKey, std::bit_floor(Unresolved::kSources / workers),
                                                    std::bit_floor(Unresolved::kUsers / workers)));
      octets += shares.back()->octets();
      octets += OpenChallenges(std::bit_floor(OpenChallenges::kPlaces / workers)).octets();
      octets += BoundedTable<Asking>(std::bit_floor(Shard::kAsking / workers)).octets();
    }
    CHECK(octets <= kMost);
    if (workers > 2) continue;
    const EnumerationLimits limits{EnumerationOptions{}};
    for (std::uint32_t i = 0; i < 100'000; ++i)
      shares[i % workers]->join(source(i), user(i % 50), true, limits, kNow);
    std::size_t tracked = 0;
    for (const auto& share : shares) tracked += share->tracked();
    CHECK(tracked >= 99'000);
  }
}

TEST_CASE("a flood of sources does not push out one that is being watched") {
  // Whoever is chosen: nobody can aim at one of them.
  for (std::uint32_t victim = 1; victim <= 20; ++victim) {
    Watch w({}, 1024, 8192);
    const auto chosen = source(0xC0000200 + victim, Grade::unproven);
    for (unsigned i = 0; i < 4; ++i) w.unresolved.join(chosen, user(100 + i), true, w.limits, w.now);
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      w.now += 1ms;
      w.unresolved.join(source(i, Grade::unproven), user("1"), true, w.limits, w.now);
    }
    CHECK(w.unresolved.join(chosen, user(104), true, w.limits, w.now).fresh);
    // Only its first user looks like that of any other source, and may be gone.
    CHECK(w.unresolved.join(chosen, user(105), true, w.limits, w.now).reason == Reason::sequential_pattern);
  }
}

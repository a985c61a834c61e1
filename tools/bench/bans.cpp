// What bans of single addresses cost: memory of the store and of the workers' views, and the time of a
// look-up, few bans against many. The few and the many are asked in turns, and the median of the rounds is
// printed.
//   bans [MANY [WORKERS]]
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "ban_store.hpp"
#include "ban_view.hpp"

namespace {

using namespace sipward;
using namespace sipward::guardian;

constexpr std::size_t kFew = 1'000;
constexpr int kAsked = 200'000;
constexpr int kRounds = 31;

volatile std::uint64_t sink = 0;

double mebibytes() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1024.0 * 1024.0);
}

Address nth(std::uint32_t n) {
  return Address::v4(n * 2654435761U);  // each another one
}

struct Bans {
  Bans(const Clock& clock, std::size_t count, std::size_t workers)
      : store(clock, {.bans = count, .per_minute = count, .repeats = 0, .soft_blocks = 0}),
        views(workers, BanView(HashKey::random())) {
    for (std::size_t i = 0; i < count; ++i) {
      const Cidr prefix{nth(static_cast<std::uint32_t>(i)), 32};
      auto ban = std::make_unique<Ban>(Scope::address, prefix, Port(0), 0);
      ban->reason = "scanner";
      ban->source = "guardian";
      const auto added = store.add(std::move(ban), std::chrono::hours(24));
      if (!added.ban) continue;
      for (auto& view : views) view.insert(added.ban);
    }
  }
  BanStore store;
  std::vector<BanView> views;
};

// Of one look-up; every other one finds nothing.
double nanoseconds(const BanView& view, std::size_t count, Time now) {
  std::uint64_t found = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < kAsked; ++i) {
    const auto n = static_cast<std::uint32_t>(i * 40503ULL % (count * 2));
    found += view.find(nth(n), now) != nullptr ? 1 : 0;
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  sink = sink + found;
  return took.count() / kAsked;
}

double median(std::vector<double> all) {
  std::nth_element(all.begin(), all.begin() + kRounds / 2, all.end());
  return all[kRounds / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, long otherwise) {
    return static_cast<std::size_t>(std::max(1L, argc > i ? std::atol(argv[i]) : otherwise));
  };
  const std::size_t many = number(1, 1'000'000);
  const std::size_t workers = number(2, 2);
  const SystemClock clock;
  const Bans few(clock, kFew, 1);
  const double before = mebibytes();
  const auto start = std::chrono::steady_clock::now();
  const Bans all(clock, many, workers);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double used = mebibytes() - before;
  std::printf("%zu bans, %zu views: %.1f MiB, %.0f octets each, made in %.1f s\n", all.store.size(), workers,
              used, used * 1024 * 1024 / static_cast<double>(many), took.count());
  std::vector<double> few_times, many_times;
  for (int i = 0; i < kRounds; ++i) {
    few_times.push_back(nanoseconds(few.views[0], kFew, clock.now()));
    many_times.push_back(nanoseconds(all.views[0], many, clock.now()));
  }
  std::printf("look-up: %.1f ns among %zu, %.1f ns among %zu, ratio %.2f\n", median(few_times), kFew,
              median(many_times), many, median(many_times) / median(few_times));
  const auto one = Cidr{nth(7), 32};
  const auto begin = std::chrono::steady_clock::now();
  const auto covering = all.store.covering(one.base).size();
  const std::chrono::duration<double, std::micro> asked = std::chrono::steady_clock::now() - begin;
  std::printf("GET bans/{ip}: %.0f us under the lock, %zu found\n", asked.count(), covering);
  return 0;
}

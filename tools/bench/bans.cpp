// What bans of single addresses cost: memory, and the time of a look-up for whoever is banned and for whoever
// is not, picked at random, with few bans and with many. The sizes are asked in turns, and the median of the
// rounds is printed.
//   bans
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <vector>

#include "ban_store.hpp"
#include "ban_view.hpp"

namespace {

using namespace sipward;
using namespace sipward::guardian;

constexpr std::size_t kSizes[] = {1'000, 100'000, 1'000'000};
constexpr std::size_t kAsked = 200'000;
constexpr int kRounds = 31;
constexpr std::size_t kBatch = 32;  // as datagrams are received

volatile std::uint64_t sink = 0;

double mebibytes() {
  std::ifstream file("/proc/self/statm");
  long pages = 0;
  file >> pages >> pages;  // the second: in memory
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

Address nth(std::uint32_t n) {
  return Address::v4(n * 2654435761U);  // each another one
}

struct Bans {
  Bans(const Clock& clock, std::size_t bans)
      : count(bans),
        store(clock, {.bans = 1'000'000, .per_minute = bans, .repeats = 0, .soft_blocks = 0}),
        view(store.table()) {
    for (std::size_t i = 0; i < count; ++i) {
      const Cidr prefix{nth(static_cast<std::uint32_t>(i)), 32};
      auto ban = std::make_unique<Ban>(Scope::address, prefix, Port(0), 0);
      ban->reason = "scanner";
      ban->source = "guardian";
      store.add(std::move(ban), std::chrono::hours(24));
    }
    std::uint64_t random = 1;
    for (std::size_t i = 0; i < kAsked; ++i) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      const auto n = static_cast<std::uint32_t>((random >> 33) % count);
      banned.push_back(nth(n));
      free.push_back(nth(n + static_cast<std::uint32_t>(count)));
    }
  }
  std::size_t count;
  BanStore store;
  BanView view;
  std::vector<Address> banned, free;
  std::vector<double> banned_times, free_times;
};

// Of this thread, in nanoseconds: others may be busy.
double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Of one look-up.
double nanoseconds(BanView& view, const std::vector<Address>& asked, Time now) {
  std::uint64_t found = 0;
  const double start = processor_time();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (i % kBatch == 0) view.foresee({&asked[i], std::min(kBatch, asked.size() - i)});
    const auto bite = view.find(asked[i], now);
    if (!bite) continue;
    bite.hit();
    ++found;
  }
  const double took = processor_time() - start;
  sink = sink + found;
  return took / static_cast<double>(asked.size());
}

double median(std::vector<double> all) {
  std::nth_element(all.begin(), all.begin() + kRounds / 2, all.end());
  return all[kRounds / 2];
}

}  // namespace

int main() {
  const SystemClock clock;
  std::vector<std::unique_ptr<Bans>> all;
  for (const std::size_t size : kSizes) {
    const double before = mebibytes();
    const auto start = std::chrono::steady_clock::now();
    all.push_back(std::make_unique<Bans>(clock, size));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double asked = 2.0 * sizeof(Address) * kAsked / (1024.0 * 1024.0);
    const double used = mebibytes() - before - asked;
    std::printf("%7zu bans: %.1f MiB, %.0f octets each, made in %.2f s\n", all.back()->store.size(), used,
                used * 1024 * 1024 / static_cast<double>(size), took.count());
  }
  for (int i = 0; i < kRounds; ++i) {
    for (auto& bans : all) {
      bans->free_times.push_back(nanoseconds(bans->view, bans->free, clock.now()));
      bans->banned_times.push_back(nanoseconds(bans->view, bans->banned, clock.now()));
    }
  }
  for (const auto& bans : all) {
    const double free = median(bans->free_times), banned = median(bans->banned_times);
    std::printf("%7zu bans: not banned %.1f ns, ratio %.2f; banned %.1f ns, ratio %.2f\n", bans->count, free,
                free / median(all[0]->free_times), banned, banned / median(all[0]->banned_times));
  }
  return 0;
}

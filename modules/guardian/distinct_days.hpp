#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "sipward/clock.hpp"

namespace sipward::guardian {

// The day of a moment; never 0.
inline std::uint32_t day_of(Time now) {
  return static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::hours(24)) + 1;
}

// How many of `bits` marks `distinct` different things leave on average (linear counting); 0 when
// that many can't be told apart any more. Marks never outnumber the things.
inline unsigned marks_of(unsigned distinct, unsigned bits) {
  if (distinct > 3 * bits) return 0;
  return static_cast<unsigned>(std::ceil(bits * (1 - std::exp(-1.0 * distinct / bits))));
}

// Roughly how many different things, by keyed hash, were seen today and on the two days before, in 56 octets.
// It never counts more than there were. A value; belongs to whoever holds it.
class DistinctDays {
 public:
  static constexpr std::uint32_t kDays = 3;
  static constexpr unsigned kBits = 128;

  void add(std::uint64_t hash, Time now) {
    advance(now);
    auto& words = days_[day_ % kDays];
    words[(hash >> 6) % words.size()] |= std::uint64_t{1} << (hash & 63);
  }
  unsigned marks(Time now) {
    advance(now);
    unsigned sum = 0;
    for (std::size_t word = 0; word < days_[0].size(); ++word) {
      sum += static_cast<unsigned>(std::popcount(days_[0][word] | days_[1][word] | days_[2][word]));
    }
    return sum;
  }

 private:
  void advance(Time now) {
    const std::uint32_t day = day_of(now);
    if (day == day_) return;
    for (std::uint32_t i = 0; i < kDays; ++i) {
      if (day_ + 1 + i <= day) days_[(day_ + 1 + i) % kDays].fill(0);
    }
    day_ = day;
  }

  std::uint32_t day_ = 0;
  std::array<std::array<std::uint64_t, kBits / 64>, kDays> days_{};
};

}  // namespace sipward::guardian

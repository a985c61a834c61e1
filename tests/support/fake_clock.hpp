#pragma once

#include "sipward/clock.hpp"

namespace sipward::test {

// A clock that stands until it is moved. Not for several threads.
class FakeClock final : public Clock {
 public:
  Time now() const override { return now_; }
  WallTime wall() const override { return wall_; }
  using Clock::wall;
  void advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  Time now_ = Time{} + std::chrono::hours(1000);
  WallTime wall_ = WallTime{} + std::chrono::hours(24 * 365 * 50);
};

}  // namespace sipward::test

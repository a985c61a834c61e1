#pragma once

#include "sipward/clock.hpp"

// Stand-ins for what a module finds around itself in the server, for tests of modules: link sipward::testing.
namespace sipward::test {

// A clock that stands until it is moved. It begins a hundred years ahead of any machine's own, so that a real
// timer that waits for one of its moments never fires by itself; on its wall it is midnight, UTC. Not for
// several threads.
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
  Time now_ = Time{} + std::chrono::hours(24 * 365 * 100);
  WallTime wall_ = WallTime{} + std::chrono::hours(24 * 365 * 50);
};

}  // namespace sipward::test

#pragma once

#include <chrono>

namespace sipward {

// Monotonic time drives every timer, bucket and expiry; wall-clock time is only for what people read.
using Time = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// Where time comes from. Safe to call from any thread. Tests give a fake one.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual WallTime wall() const = 0;

  // The wall-clock time of a monotonic moment, as seen from now.
  WallTime wall(Time moment) const {
    return wall() + std::chrono::duration_cast<WallTime::duration>(moment - now());
  }
};

class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};

}  // namespace sipward

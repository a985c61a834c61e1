#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "sipward/clock.hpp"

namespace sipward::guardian {

// How much happened within a sliding span, in kParts parts. Something counts for at least 11/12 of the span
// and never longer than the span, so there is no edge at which twice the limit goes through. A span that
// changes (a reload) starts the count anew. A value; belongs to whoever holds it.
class Window {
 public:
  static constexpr std::size_t kParts = 12;

  void add(std::uint32_t weight, Time now, Duration span) {
    advance(now, span);
    auto& part = parts_[index(head_)];
    part = static_cast<std::uint16_t>(std::min<std::uint32_t>(part + weight, 0xFFFF));
  }
  std::uint32_t count(Time now, Duration span) {
    advance(now, span);
    std::uint32_t sum = 0;
    for (const auto part : parts_) sum += part;
    return sum;
  }
  // Takes back one of what was added at `then`, when it still counts.
  void remove(Time then, Time now, Duration span) {
    advance(now, span);
    const std::int64_t part = part_of(then);
    auto& count = parts_[index(part)];
    if (part <= head_ && head_ - part < static_cast<std::int64_t>(kParts) && count != 0) --count;
  }
  // Takes back what `other`, counted over the same span, holds.
  void subtract(Window other, Time now, Duration span) {
    advance(now, span);
    other.advance(now, span);
    for (std::size_t i = 0; i < kParts; ++i) {
      parts_[i] = static_cast<std::uint16_t>(parts_[i] - std::min(parts_[i], other.parts_[i]));
    }
  }

 private:
  std::int64_t part_of(Time time) const {
    return std::max<std::int64_t>(time.time_since_epoch().count(), 0) / length_;
  }
  static std::size_t index(std::int64_t part) { return static_cast<std::size_t>(part) % kParts; }

  void advance(Time now, Duration span) {
    const std::int64_t length = std::max<std::int64_t>(span.count() / static_cast<std::int64_t>(kParts), 1);
    const std::int64_t part = std::max<std::int64_t>(now.time_since_epoch().count(), 0) / length;
    if (part == head_) return;
    if (length != length_ || part < head_ || part - head_ >= static_cast<std::int64_t>(kParts)) {
      parts_.fill(0);
    } else {
      for (std::int64_t p = head_ + 1; p <= part; ++p) parts_[index(p)] = 0;
    }
    length_ = length;
    head_ = part;
  }

  std::array<std::uint16_t, kParts> parts_{};
  std::int64_t head_ = -1;
  std::int64_t length_ = 0;
};

}  // namespace sipward::guardian

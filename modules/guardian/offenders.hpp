#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ban.hpp"
#include "guarded.hpp"

namespace sipward::guardian {

// Who was found to guess users, for people to see: the kKept worst. One that may have been forged gives way
// before one that is proven, then the one that was found least often, then the one not seen for longest. Safe
// to call from any thread; each call holds one lock for a walk over the list.
class Offenders {
 public:
  static constexpr std::size_t kKept = 100;

  struct Offender {
    Address host;  // IPv6: its /64
    Reason reason = Reason::none;
    bool proven = false;
    std::uint64_t detections = 0;
    std::uint64_t users = 0;  // that all of them found together
    WallTime last{};
  };

  void note(const Offender& found);  // adds its detections and users to what is known of the host
  std::vector<Offender> worst() const;

 private:
  Guarded<std::vector<Offender>> list_;
};

}  // namespace sipward::guardian

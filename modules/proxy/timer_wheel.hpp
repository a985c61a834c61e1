#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sipward/clock.hpp"

namespace sipward::proxy {

// Many moments to wait for with one timer: whoever has that calls turn() every kTick while the wheel is not
// empty. Waits are as exact as a tick, never too short. For one thread.
template <class Entry>
class TimerWheel {
 public:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  static constexpr auto kTick = std::chrono::milliseconds(50);

  TimerWheel() : slots_(kSlots) {}

  // `entry.due` says when; an entry that waits already waits anew. It may end at any time.
  void wait(Entry& entry) {
    entry.Hook::unlink();
    slots_[tick_of(entry.due + kTick) % kSlots].push_back(entry);
  }
  // Calls `due(entry)` for all whose moment has come; it may wait again, or end.
  template <class Due>
  void turn(Time now, Due&& due) {
    const auto last = tick_of(now);
    if (turned_ + kSlots < last) turned_ = last - kSlots;
    while (turned_ < last) {
      List ready;
      auto& slot = slots_[++turned_ % kSlots];
      for (auto it = slot.begin(); it != slot.end();) {
        auto& entry = *it++;
        if (entry.due > now) continue;  // in a later round
        entry.Hook::unlink();
        ready.push_back(entry);
      }
      while (!ready.empty()) {
        auto& entry = ready.front();
        entry.Hook::unlink();
        due(entry);
      }
    }
  }

 private:
  static constexpr std::size_t kSlots = 1024;
  using List = boost::intrusive::list<Entry, boost::intrusive::base_hook<Hook>,
                                      boost::intrusive::constant_time_size<false>>;
  static std::uint64_t tick_of(Time time) {
    return static_cast<std::uint64_t>(time.time_since_epoch() / kTick);
  }

  std::vector<List> slots_;
  std::uint64_t turned_ = 0;
};

}  // namespace sipward::proxy

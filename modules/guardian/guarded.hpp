#pragma once

#include <mutex>
#include <utility>

namespace sipward::guardian {

// Data that can't be reached without its lock. Safe to call from any thread.
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : data_(std::forward<Args>(args)...) {}

  // Runs `use` with the data, locked. `use` must not call anything that may lock this again.
  template <class Use>
  decltype(auto) with(Use&& use) {
    std::lock_guard lock(mutex_);
    return use(data_);
  }
  template <class Use>
  decltype(auto) with(Use&& use) const {
    std::lock_guard lock(mutex_);
    return use(static_cast<const T&>(data_));
  }

 private:
  mutable std::mutex mutex_;
  T data_;
};

}  // namespace sipward::guardian

#include "storage_queue.hpp"

#include <algorithm>
#include <utility>

namespace sipward::guardian {

void StorageQueue::push(StorageOp op) {
  std::lock_guard lock(mutex_);
  ++pushed_;
  if (bans_.size() >= limits_.bans) {
    overflowed_ = true;
    return;
  }
  bans_.push_back(std::move(op));
  if (bans_.size() == 1) work_.notify_one();
}

bool StorageQueue::push(HistoryOp op) {
  std::lock_guard lock(mutex_);
  if (history_.size() >= limits_.history) return false;
  history_.push_back(std::move(op));
  if (history_.size() == 1) work_.notify_one();
  return true;
}

bool StorageQueue::flush(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = pushed_;
  ++waiting_;
  work_.notify_one();
  const bool handled = written_.wait_for(lock, most, [&] { return handled_ >= mine; });
  --waiting_;
  return handled && written_well_;
}

StorageQueue::Work StorageQueue::take(std::chrono::milliseconds most, std::chrono::milliseconds batch,
                                      std::size_t history) {
  std::unique_lock lock(mutex_);
  work_.wait_for(lock, most, [&] {
    return !bans_.empty() || (!history_.empty() && history != 0) || handled_ < pushed_ || woken_ || stop_;
  });
  work_.wait_for(lock, batch, [&] { return waiting_ != 0 || woken_ || stop_; });
  Work work;
  work.bans = std::exchange(bans_, {});
  const auto part = static_cast<std::ptrdiff_t>(std::min(history, history_.size()));
  work.history.assign(std::move_iterator(history_.begin()), std::move_iterator(history_.begin() + part));
  history_.erase(history_.begin(), history_.begin() + part);
  work.upto = pushed_;
  work.overflowed = std::exchange(overflowed_, false);
  work.stop = stop_;
  woken_ = false;
  return work;
}

void StorageQueue::done(const Work& work, bool written) {
  std::lock_guard lock(mutex_);
  handled_ = work.upto;
  written_well_ = written;
  written_.notify_all();
}

void StorageQueue::wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  work_.notify_one();
}

void StorageQueue::stop() {
  std::lock_guard lock(mutex_);
  stop_ = true;
  work_.notify_one();
}

}  // namespace sipward::guardian

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace sipward {

// One value replaced as a whole: one writer at a time, many readers that keep a pointer of their own. A
// reader pays one acquire load while nothing changed. (std::atomic<shared_ptr> in g++ 12 has a race in
// load().)
template <class T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {}

  // Safe from any thread. The old value ends when the last reader has refreshed and let go.
  void publish(std::shared_ptr<const T> next) {
    {
      std::lock_guard lock(mutex_);
      current_.swap(next);
      generation_.fetch_add(1, std::memory_order_release);
    }
  }  // `next`, now the old value, may end here, outside the lock
  std::shared_ptr<const T> snapshot() const {
    std::lock_guard lock(mutex_);
    return current_;
  }

  // One per reading thread; the source must outlive it.
  class Reader {
   public:
    explicit Reader(const Published& source) : source_(&source) {}
    const std::shared_ptr<const T>& get() {
      if (source_->generation_.load(std::memory_order_acquire) != seen_) refresh();
      return local_;
    }

   private:
    void refresh() {
      std::shared_ptr<const T> old;  // ends outside the lock
      std::lock_guard lock(source_->mutex_);
      seen_ = source_->generation_.load(std::memory_order_relaxed);
      old.swap(local_);
      local_ = source_->current_;
    }
    const Published* source_;
    std::uint64_t seen_ = ~std::uint64_t{0};
    std::shared_ptr<const T> local_;
  };

 private:
  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> generation_{0};
  std::shared_ptr<const T> current_;
};

}  // namespace sipward

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace sipward {

// A fixed number of elements whose octets are all zero at first. Memory is taken page by page as it is
// touched, so that a large table costs nothing before it is used. Its elements are never constructed: a T
// whose octets are all zero must be one that may be looked at, or be assigned before it is.
template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Throws std::bad_alloc.
  explicit ZeroedArray(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
    void* const memory =
        mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    // With huge pages the first touch would take 2 MiB.
    madvise(memory, size * sizeof(T), MADV_NOHUGEPAGE);
    data_ = static_cast<T*>(memory);
  }
  ZeroedArray(ZeroedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ZeroedArray& operator=(ZeroedArray&&) = delete;
  ~ZeroedArray() {
    if (data_) munmap(data_, size_ * sizeof(T));
  }

  T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }
  std::size_t octets() const { return size_ * sizeof(T); }  // of memory, once all is touched

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sipward

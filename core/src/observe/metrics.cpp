#include "sipward/metrics.hpp"

#include <algorithm>

namespace sipward {
namespace {

constexpr std::size_t kCellsPerLine = 64 / sizeof(std::uint64_t);

// One line more than needed: the array need not begin on a line, and rows must never meet in one.
std::size_t row_stride(std::size_t values) {
  return (values + kCellsPerLine - 1) / kCellsPerLine * kCellsPerLine + kCellsPerLine;
}

}  // namespace

CounterCells::CounterCells(std::size_t rows, std::size_t values)
    : rows_(rows),
      stride_(row_stride(values)),
      cells_(std::make_unique<std::atomic<std::uint64_t>[]>(rows * stride_)) {}

std::uint64_t CounterCells::sum(std::size_t value) const {
  std::uint64_t all = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    all += cells_[row * stride_ + value].load(std::memory_order_relaxed);
  }
  return all;
}

std::uint64_t Counter::total() const {
  std::uint64_t all = 0;
  for (std::size_t value = 0; value < values_; ++value) all += sum(value);
  return all;
}

void Histogram::observe(std::size_t worker, std::uint64_t value) const {
  if (!cells_) return;
  const auto bucket = std::lower_bound(bounds_->begin(), bounds_->end(), value) - bounds_->begin();
  cells_->add(worker, static_cast<std::size_t>(bucket), 1);
  cells_->add(worker, bounds_->size() + 1, value);
}

}  // namespace sipward

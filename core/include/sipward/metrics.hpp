#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipward {

class Metrics;

// The counters' memory: one row per worker and one for all other threads, so that counting is a plain add.
class CounterCells {
 public:
  CounterCells(std::size_t rows, std::size_t values);
  void add(std::size_t row, std::size_t value, std::uint64_t n) {
    auto& cell = cells_[row * stride_ + value];
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // For threads that share the last row.
  void add_shared(std::size_t value, std::uint64_t n) {
    cells_[(rows_ - 1) * stride_ + value].fetch_add(n, std::memory_order_relaxed);
  }
  std::uint64_t sum(std::size_t value) const;
  std::size_t rows() const { return rows_; }

 private:
  std::size_t rows_;
  std::size_t stride_;  // a whole number of cache lines
  std::unique_ptr<std::atomic<std::uint64_t>[]> cells_;
};

// A counter, or a family of counters with one label whose values are a closed set fixed when it is declared
// (never text from a packet). Several labels are written as one, names and values joined by commas in the
// same order: "action,reason" with values such as "drop,banned". Copyable; refers to cells that live as long
// as the process. A default-constructed one may be used too: it counts nothing.
class Counter {
 public:
  Counter() = default;
  // On worker `worker`'s thread only. `value` is the index into the declared label values; 0 without a label.
  void add(std::size_t worker, std::size_t value = 0, std::uint64_t n = 1) const {
    if (cells_) cells_->add(worker, value, n);
  }
  // From any other thread.
  void add_shared(std::size_t value = 0, std::uint64_t n = 1) const {
    if (cells_) cells_->add_shared(value, n);
  }
  std::uint64_t sum(std::size_t value = 0) const { return cells_ ? cells_->sum(value) : 0; }
  std::uint64_t total() const;  // over all label values

 private:
  friend class Metrics;
  std::shared_ptr<CounterCells> cells_;
  std::size_t values_ = 0;
};

// A histogram with fixed upper bounds (without +Inf, which is added).
class Histogram {
 public:
  Histogram() = default;
  void observe(std::size_t worker, std::uint64_t value) const;  // on that worker's thread

 private:
  friend class Metrics;
  std::shared_ptr<CounterCells> cells_;  // one per bound, +Inf, then the sum
  std::shared_ptr<const std::vector<std::uint64_t>> bounds_;
};

// One line of the exposition: name{label="value"} number.
struct Sample {
  std::string suffix;  // "", "_bucket", "_sum", "_count"
  std::string label;   // empty without a label
  std::string label_value;
  double number = 0;
};
struct MetricFamily {
  std::string name, help, type;  // type: counter, gauge, histogram
  std::vector<Sample> samples;
};

// All metrics of the process. They survive a reload: declaring a name again gives the same cells. A name
// declared again with other labels or another type throws ConfigError. Safe to call from any thread; declare
// while provisioning, never per packet.
class Metrics {
 public:
  explicit Metrics(std::size_t workers);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(std::string_view name, std::string_view help);
  Counter counter(std::string_view name, std::string_view help, std::string_view label,
                  std::span<const std::string_view> values);
  // What is observed and the bounds are whole numbers of 1/`per_unit` of what is shown: 1'000'000'000 for
  // nanoseconds that are shown as seconds.
  Histogram histogram(std::string_view name, std::string_view help, std::vector<std::uint64_t> bounds,
                      std::uint64_t per_unit = 1);
  // `read` is called on the thread that scrapes, for as long as `owner` lives. The same owner again replaces
  // its function; several owners of one name (two guardians) are added up.
  void gauge(std::string_view name, std::string_view help, std::weak_ptr<const void> owner,
             std::function<double()> read);

  std::vector<MetricFamily> collect() const;  // by name
  std::size_t workers() const { return workers_; }

 private:
  struct Impl;
  std::size_t workers_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sipward

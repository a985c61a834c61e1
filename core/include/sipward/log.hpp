#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "sipward/clock.hpp"

namespace sipward {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

// One name with its value. A number is given as text; JSON output keeps every value a string.
struct LogField {
  std::string_view name;
  std::string_view value;
};

// Writes one line per call to the process's log, in the format that `log` chose. Values are escaped, so a
// value from the network can't forge a line. Safe to call from any thread; it takes a lock and writes, so the
// packet path logs only through a LogLimit.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view module, std::string_view message,
                     std::initializer_list<LogField> fields) = 0;

  void info(std::string_view module, std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::info)) write(LogLevel::info, module, message, fields);
  }
  void warn(std::string_view module, std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::warn)) write(LogLevel::warn, module, message, fields);
  }
  void error(std::string_view module, std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::error)) write(LogLevel::error, module, message, fields);
  }
};

// Lets at most one event a second through, so that an attacker can't fill a disk. Safe from any thread.
class LogLimit {
 public:
  // True when the caller may log now; then `suppressed` holds how many events went by in silence since.
  bool allow(Time now, std::uint64_t& suppressed) {
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    auto last = last_.load(std::memory_order_relaxed);
    if (second == last || !last_.compare_exchange_strong(last, second, std::memory_order_relaxed)) {
      suppressed_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
    return true;
  }

 private:
  std::atomic<std::int64_t> last_{-1};
  std::atomic<std::uint64_t> suppressed_{0};
};

}  // namespace sipward

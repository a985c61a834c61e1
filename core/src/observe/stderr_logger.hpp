#pragma once

#include <atomic>
#include <mutex>

#include "observe/log_file.hpp"
#include "sipward/clock.hpp"
#include "sipward/config/sipfile.hpp"
#include "sipward/log.hpp"

namespace sipward {

// The process's logger: one line per call to standard error, or to a file once configure() named one. Lives
// as long as the process; safe to call from any thread.
//   console  2026-01-02T03:04:05.678Z INFO  guardian: banned ip=192.0.2.1 reason="null bytes"
//   json     {"time":"2026-01-02T03:04:05.678Z","level":"info","module":"guardian","message":"banned","ip":…}
class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(const Clock& clock) : clock_(clock) {}

  // What the options ask for, with the file opened but nothing written. Throws ConfigError when it cannot be.
  struct Prepared {
    LogLevel level;
    config::LogOptions::Format format;
    observe::LogFile file;
  };
  static Prepared prepare(const config::LogOptions& options);
  // Takes level, format and output from now on.
  void take(Prepared next);
  void configure(const config::LogOptions& options) { take(prepare(options)); }

  bool enabled(LogLevel level) const override { return level >= level_.load(std::memory_order_relaxed); }
  void write(LogLevel level, std::string_view module, std::string_view message,
             std::initializer_list<LogField> fields) override;

 private:
  const Clock& clock_;
  std::atomic<LogLevel> level_{LogLevel::info};
  std::mutex mutex_;  // guards what follows
  config::LogOptions::Format format_ = config::LogOptions::Format::console;
  observe::LogFile file_;
};

}  // namespace sipward

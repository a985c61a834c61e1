#include "observe/stderr_logger.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

#include "observe/escape.hpp"

namespace sipward {
namespace {

using Format = config::LogOptions::Format;

std::string rfc3339(WallTime moment) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(moment);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  const auto when = std::chrono::system_clock::to_time_t(seconds);
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  std::array<char, 32> date{};
  const auto length = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                static_cast<int>((milliseconds - seconds).count()));
  return std::string(date.data(), length) + fraction.data();
}

struct LevelNames {
  std::string_view console;
  std::string_view json;
};
LevelNames names(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return {"DEBUG", "debug"};
    case LogLevel::info:
      return {"INFO ", "info"};
    case LogLevel::warn:
      return {"WARN ", "warn"};
    case LogLevel::error:
      return {"ERROR", "error"};
  }
  return {"ERROR", "error"};
}

std::string console_line(std::string time, LogLevel level, std::string_view module, std::string_view message,
                         std::initializer_list<LogField> fields) {
  std::string line = std::move(time);
  line += ' ';
  line += names(level).console;
  line += ' ';
  line += module;
  line += ": ";
  observe::append_console_text(line, message);
  for (const auto& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    observe::append_console_value(line, field.value);
  }
  line += '\n';
  return line;
}

std::string json_line(std::string_view time, LogLevel level, std::string_view module,
                      std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (line.size() > 1) line += ',';
    observe::append_json_string(line, name);
    line += ':';
    observe::append_json_string(line, value);
  };
  add("time", time);
  add("level", names(level).json);
  add("module", module);
  add("message", message);
  for (const auto& field : fields) add(field.name, field.value);
  line += "}\n";
  return line;
}

LogLevel level_of(config::LogOptions::Level level) {
  switch (level) {
    case config::LogOptions::Level::debug:
      return LogLevel::debug;
    case config::LogOptions::Level::info:
      return LogLevel::info;
    case config::LogOptions::Level::warn:
      return LogLevel::warn;
    case config::LogOptions::Level::error:
      return LogLevel::error;
  }
  return LogLevel::info;
}

}  // namespace

StderrLogger::Prepared StderrLogger::prepare(const config::LogOptions& options) {
  observe::LogFile file;
  if (!options.file.empty()) file = observe::LogFile(options.file, options.roll_size, options.roll_keep);
  return {level_of(options.level), options.format, std::move(file)};
}

void StderrLogger::take(Prepared next) {
  std::lock_guard lock(mutex_);
  file_ = std::move(next.file);
  format_ = next.format;
  level_.store(next.level, std::memory_order_relaxed);
}

void StderrLogger::write(LogLevel level, std::string_view module, std::string_view message,
                         std::initializer_list<LogField> fields) {
  auto time = rfc3339(clock_.wall());
  std::lock_guard lock(mutex_);
  file_.write(format_ == Format::json ? json_line(time, level, module, message, fields)
                                      : console_line(std::move(time), level, module, message, fields));
}

}  // namespace sipward

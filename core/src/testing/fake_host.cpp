#include "sipward/testing/fake_host.hpp"

namespace sipward::test {
namespace {

std::string_view word(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      break;
  }
  return "error";
}

}  // namespace

void FakeLogger::write(LogLevel level, std::string_view module, std::string_view message,
                       std::initializer_list<LogField> fields) {
  std::string line(word(level));
  line.append(" ").append(module).append(": ").append(message);
  for (const auto& field : fields) line.append(" ").append(field.name).append("=").append(field.value);
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

std::vector<std::string> FakeLogger::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace sipward::test

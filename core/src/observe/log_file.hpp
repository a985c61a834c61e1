#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sipward::observe {

// Where log lines go: standard error, or a file that is renamed to PATH.1 … PATH.keep when it has grown past
// roll_size. A line that cannot be written is lost; logging never stops the server. Not thread-safe.
class LogFile {
 public:
  LogFile() = default;  // standard error
  // Opens for appending; throws ConfigError with the path and the reason.
  LogFile(std::string path, std::uint64_t roll_size, unsigned keep);
  ~LogFile();
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) noexcept;

  void write(std::string_view line);

 private:
  int open_path() const;
  void roll();

  std::string path_;
  std::uint64_t roll_size_ = 0;
  unsigned keep_ = 0;
  std::uint64_t size_ = 0;
  int fd_ = 2;
};

}  // namespace sipward::observe

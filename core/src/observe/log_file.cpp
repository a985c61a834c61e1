#include "observe/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "sipward/config/errors.hpp"

namespace sipward::observe {

LogFile::LogFile(std::string path, std::uint64_t roll_size, unsigned keep)
    : path_(std::move(path)), roll_size_(roll_size), keep_(keep), fd_(open_path()) {
  if (fd_ < 0) {
    throw config::ConfigError("cannot open the log file " + path_ + ": " +
                              std::generic_category().message(errno));
  }
  struct stat status {};
  if (::fstat(fd_, &status) == 0 && status.st_size > 0) size_ = static_cast<std::uint64_t>(status.st_size);
}

LogFile::~LogFile() {
  if (fd_ > 2) ::close(fd_);
}

LogFile::LogFile(LogFile&& other) noexcept
    : path_(std::move(other.path_)),
      roll_size_(other.roll_size_),
      keep_(other.keep_),
      size_(other.size_),
      fd_(std::exchange(other.fd_, -1)) {}

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ > 2) ::close(fd_);
  path_ = std::move(other.path_);
  roll_size_ = other.roll_size_;
  keep_ = other.keep_;
  size_ = other.size_;
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

int LogFile::open_path() const {
  return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

void LogFile::roll() {
  for (unsigned i = keep_; i > 1; --i) {
    const auto from = path_ + '.' + std::to_string(i - 1);
    std::rename(from.c_str(), (path_ + '.' + std::to_string(i)).c_str());
  }
  const bool moved =
      keep_ == 0 ? ::unlink(path_.c_str()) == 0 : std::rename(path_.c_str(), (path_ + ".1").c_str()) == 0;
  size_ = 0;  // when it did not work, the next attempt is one roll_size away
  if (!moved) return;
  const int next = open_path();
  if (next < 0) return;  // the old file stays open under its new name
  ::close(fd_);
  fd_ = next;
}

void LogFile::write(std::string_view line) {
  if (roll_size_ != 0 && !path_.empty() && size_ != 0 && size_ + line.size() > roll_size_) roll();
  size_ += line.size();
  while (!line.empty()) {
    const auto n = ::write(fd_, line.data(), line.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    line.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace sipward::observe

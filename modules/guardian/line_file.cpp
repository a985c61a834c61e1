#include "line_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace sipward::guardian {

LineFile::LineFile(std::string path, std::uint64_t roll_size, unsigned keep)
    : path_(std::move(path)), roll_size_(roll_size), keep_(keep) {}

LineFile::~LineFile() {
  close();
}

void LineFile::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool LineFile::fail() {
  why_ = std::generic_category().message(errno);
  return false;
}

bool LineFile::open() {
  close();
  torn_ = false;
  // Without waiting: a pipe that nobody reads must not hold up the thread.
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) return fail();
  device_ = status.st_dev;
  inode_ = status.st_ino;
  regular_ = S_ISREG(status.st_mode);
  size_ = regular_ && status.st_size > 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return true;
}

bool LineFile::ready() {
  struct stat status {};
  const bool same =
      fd_ >= 0 && ::stat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  return same || open();
}

void LineFile::roll() {
  for (unsigned i = keep_; i > 1; --i)
    std::rename((path_ + '.' + std::to_string(i - 1)).c_str(), (path_ + '.' + std::to_string(i)).c_str());
  const bool moved =
      keep_ == 0 ? ::unlink(path_.c_str()) == 0 : std::rename(path_.c_str(), (path_ + ".1").c_str()) == 0;
  size_ = 0;  // when it did not work, the next attempt is one roll_size away
  if (moved) open();
}

bool LineFile::write(std::string_view line) {
  buffer_.clear();
  if (torn_) buffer_ += '\n';
  buffer_.append(line);
  buffer_ += '\n';
  if (roll_size_ != 0 && regular_ && size_ != 0 && size_ + buffer_.size() > roll_size_) roll();
  if (fd_ < 0) return false;
  ssize_t n = 0;
  do {
    n = ::write(fd_, buffer_.data(), buffer_.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail();
  size_ += static_cast<std::uint64_t>(n);
  torn_ = static_cast<std::size_t>(n) < buffer_.size();
  if (torn_) why_ = "there was no room for the whole line";
  return !torn_;
}

}  // namespace sipward::guardian

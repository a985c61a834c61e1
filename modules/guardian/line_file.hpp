#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sipward::guardian {

// A file that lines are appended to, each with one write. It is opened again when the path no longer leads to
// it (a rotation by others), and renamed to PATH.1 … PATH.keep once it has grown past roll_size (0: never).
// For one thread at a time.
class LineFile {
 public:
  explicit LineFile(std::string path, std::uint64_t roll_size = 0, unsigned keep = 0);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // To be called before a run of lines. False, with why() saying the reason, when there is no file to write
  // to.
  bool ready();
  // One line without its end. False when it did not get into the file whole.
  bool write(std::string_view line);
  const std::string& why() const { return why_; }
  const std::string& path() const { return path_; }

 private:
  bool open();
  void close();
  bool fail();
  void roll();

  std::string path_;
  std::uint64_t roll_size_;
  unsigned keep_;
  std::uint64_t size_ = 0;
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool regular_ = false;
  bool torn_ = false;  // the last line lacks its end
  std::string why_, buffer_;
};

}  // namespace sipward::guardian

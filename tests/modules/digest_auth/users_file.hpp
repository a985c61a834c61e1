#pragma once

#include <string>

#include "temporary_folder.hpp"

// A file of users that goes away with the test.
class UsersFile {
 public:
  explicit UsersFile(const std::string& text) { sipward::test::write_file(path(), text); }
  std::string path() const { return folder_ / "users"; }

 private:
  sipward::test::TemporaryFolder folder_;
};

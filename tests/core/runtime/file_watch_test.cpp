#include "sipward/file_watch.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace sipward;
namespace fs = std::filesystem;

namespace {

struct Files {
  Files() {
    auto pattern = (fs::temp_directory_path() / "sipward_watch_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    folder = pattern;
  }
  ~Files() { fs::remove_all(folder); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  }
  fs::path folder;
};

}  // namespace

TEST_CASE("a file that changes is told once, when it is left alone") {
  const Files files;
  const auto a = files.write("a", "1"), b = files.write("b", "1");
  FileWatch watch;
  int told = 0;
  auto handle = watch.watch({a, b, (files.folder / "later").string()}, [&] { ++told; });
  watch.look();
  CHECK(told == 0);
  files.write("b", "22");
  watch.look();
  CHECK(told == 0);  // somebody may still be writing
  files.write("b", "333");
  watch.look();
  CHECK(told == 0);
  watch.look();
  CHECK(told == 1);
  watch.look();
  CHECK(told == 1);

  SECTION("replaced") {
    fs::rename(files.write("new", "333"), b);
  }
  SECTION("removed") {
    fs::remove(a);
  }
  SECTION("made") {
    files.write("later", "1");
  }
  watch.look();
  watch.look();
  CHECK(told == 2);
  handle.reset();
  files.write("b", "1");
  watch.look();
  watch.look();
  CHECK(told == 2);
}

TEST_CASE("the last user of the watch may go while it is told") {
  const Files files;
  const auto a = files.write("a", "1");
  auto watch = std::make_shared<FileWatch>();
  std::shared_ptr<void> handle;
  bool told = false;
  handle = watch->watch({a}, [&] {
    told = true;
    watch.reset();
  });
  files.write("a", "22");
  auto* raw = watch.get();
  raw->look();
  raw->look();
  CHECK(told);
}

#include "runtime/regulars_file.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harness.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

const Address kOffice = *Address::parse("198.51.100.1");

struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("sipward-regulars-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

// One life of a process.
struct Life {
  explicit Life(const Folder& folder) : file(control, site.pool, site.clock, site.log) {
    file.start(folder.path);
  }
  ~Life() { file.stop(); }
  std::size_t regulars() {
    return site.run([](Worker& w) { return w.sources().regulars(kOffice, w.now()); },
                    site.pool.owner(kOffice));
  }
  boost::asio::io_context control;
  Site site{2};
  RegularsFile file;
};

}  // namespace

TEST_CASE("regular addresses are known again after a restart") {
  const Folder folder;
  {
    Life first(folder);
    CHECK(first.regulars() == 0);
    first.site.run(
        [](Worker& w) {
          w.sources().restore_regular(kOffice, 300, w.now() + std::chrono::hours(24), w.now());
          return 0;
        },
        first.site.pool.owner(kOffice));
  }
  Life second(folder);
  CHECK(second.regulars() == 300);
}

TEST_CASE("a file that is no such file is left aside, and replaced in the end") {
  const Folder folder;
  std::filesystem::create_directories(folder.path);
  for (const auto* text :
       {"", "{", "{}", "[1,null,{\"address\":\"x\",\"registrations\":1,\"until\":9}]",
        "[{\"address\":\"198.51.100.1\",\"registrations\":-5,\"until\":99999999999}]",
        "[{\"address\":\"198.51.100.1\",\"registrations\":5,\"until\":9223372036854775807}]",
        "[{\"address\":\"198.51.100.1\",\"registrations\":5,\"until\":1}]"}) {
    INFO(text);
    std::ofstream(folder.path / "regulars.json") << text;
    Life life(folder);
    CHECK(life.regulars() == 0);
  }
}

TEST_CASE("a folder that can't be written to stops nothing") {
  const Folder folder;
  std::ofstream(folder.path) << "a file where the folder should be";
  Life life(folder);
  CHECK(life.regulars() == 0);
}

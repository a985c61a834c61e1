#define BOOST_DLL_USE_STD_FS  // without it Boost.DLL wants boost_filesystem
#include "modules/module_file.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <boost/dll/library_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <cstring>
#include <exception>
#include <fstream>
#include <string_view>
#include <system_error>

namespace sipward {
namespace {

namespace fs = std::filesystem;
namespace dll = boost::dll;

constexpr const char* kSymbol = "sipward_module";

bool is_elf(const fs::path& file) {
  constexpr std::string_view kMagic = "\177ELF";
  std::array<char, 4> head{};
  std::ifstream in(file, std::ios::binary);
  return in.read(head.data(), head.size()) && std::string_view(head.data(), head.size()) == kMagic;
}

// Asked of the file, so that a library that happens to lie there never runs its constructors.
bool exports_descriptor(const fs::path& file) {
  const auto symbols = dll::library_info(file).symbols();
  return std::find(symbols.begin(), symbols.end(), kSymbol) != symbols.end();
}

}  // namespace

fs::path current_executable() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

std::vector<fs::path> default_module_dirs(const fs::path& executable) {
  if (executable.empty()) return {};
  return {executable.parent_path().parent_path() / SIPWARD_INSTALL_LIBDIR / "sipward" / "modules"};
}

std::string refuse_writable(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error) return error.message();
  if ((status.permissions() & (fs::perms::group_write | fs::perms::others_write)) != fs::perms::none) {
    return "writable by others than its owner; run: chmod go-w " + path.string();
  }
  return {};
}

const ModuleInfo* open_module(const fs::path& file, std::string& why) {
  // What a module needs of core may call into it as long as any handler or queued task lives, and an object
  // is not dependably gone after dlclose anyway: it is mapped for good.
  constexpr auto kForGood = static_cast<dll::load_mode::type>(RTLD_NODELETE);
  try {
    if (!is_elf(file)) {
      why = "not a shared object (no ELF file)";
      return nullptr;
    }
    if (!exports_descriptor(file)) {
      why = "not a module: it exports no symbol sipward_module";
      return nullptr;
    }
    const dll::shared_library library(file, dll::load_mode::rtld_now | dll::load_mode::rtld_local | kForGood);
    return &library.get<const ModuleInfo>(kSymbol);
  } catch (const std::exception& e) {
    why = std::string("can't be loaded: ") + e.what();
    return nullptr;
  }
}

std::string refuse_build(const ModuleInfo& info) {
  if (info.abi != kModuleAbi) {
    return "made for module ABI " + std::to_string(info.abi) + ", this server speaks " +
           std::to_string(kModuleAbi) + "; build it again with this server's SDK";
  }
  if (info.size != sizeof(ModuleInfo)) {
    return "its descriptor has " + std::to_string(info.size) + " octets, this server's has " +
           std::to_string(sizeof(ModuleInfo)) + "; build it again with this server's SDK";
  }
  if (info.build_id == nullptr || std::strcmp(info.build_id, SIPWARD_BUILD_ID) != 0) {
    return std::string("built as '") + (info.build_id == nullptr ? "" : info.build_id) +
           "', this server is '" SIPWARD_BUILD_ID "'; build it again with this server's SDK";
  }
  return {};
}

}  // namespace sipward

#define BOOST_DLL_USE_STD_FS  // without it Boost.DLL wants boost_filesystem
#include "modules/module_file.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <boost/dll/library_info.hpp>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
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

// Asked of the file, as everything below, so that what is no module for this server never runs its
// constructors.
bool exports_descriptor(const fs::path& file) {
  const auto symbols = dll::library_info(file).symbols();
  return std::find(symbols.begin(), symbols.end(), kSymbol) != symbols.end();
}

// The build id of a module that was made for another server; empty when it has this server's, or none can be
// told. Without it such a module would be refused by the dynamic linker, which speaks of libraries and
// symbols only.
std::string foreign_build_id(const fs::path& file) {
  constexpr std::string_view kBegin = "sipward/", kWithin = " boost/";
  std::error_code error;
  const auto size = fs::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  std::string octets(error ? 0 : size, '\0');
  if (!in.read(octets.data(), static_cast<std::streamsize>(octets.size()))) return {};
  std::string found;
  for (auto at = octets.find(kBegin); at != std::string::npos; at = octets.find(kBegin, at + 1)) {
    const std::string id = octets.substr(at, octets.find('\0', at) - at).substr(0, 200);
    if (id == SIPWARD_BUILD_ID) return {};
    if (id.find(kWithin) != std::string::npos) found = id;
  }
  return found;
}

std::string other_build(std::string_view theirs) {
  return "built as '" + std::string(theirs) +
         "', this server is '" SIPWARD_BUILD_ID "'; build it again with this server's SDK";
}

template <class Factory, class Word>
bool whole(const Factory* list, std::size_t count, Word word) {
  if (list == nullptr) return count == 0;
  return std::all_of(list, list + count,
                     [&](const Factory& f) { return word(f) != nullptr && *word(f) != 0; });
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
  const auto refuse = [&why](std::string reason) {
    why = std::move(reason);
    return nullptr;
  };
  try {
    if (!fs::is_regular_file(file)) return refuse("not a file");
    if (fs::is_empty(file)) return refuse("an empty file");
    if (!is_elf(file)) return refuse("not a shared object (no ELF file)");
    if (!exports_descriptor(file)) return refuse("not a module: it exports no symbol sipward_module");
    if (const auto theirs = foreign_build_id(file); !theirs.empty()) return refuse(other_build(theirs));
  } catch (const std::exception& e) {
    return refuse(std::string("not a whole shared object: ") + e.what());
  }
  // What a module needs of core may call into it as long as any handler or queued task lives, and an object
  // is not dependably gone after dlclose anyway: it is mapped for good.
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  const void* const info = library == nullptr ? nullptr : dlsym(library, kSymbol);
  if (info == nullptr) {
    const char* const reason = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
    return refuse(std::string("can't be loaded: ") + (reason == nullptr ? "no reason given" : reason));
  }
  return static_cast<const ModuleInfo*>(info);
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
  if (info.build_id == nullptr || std::strcmp(info.build_id, SIPWARD_BUILD_ID) != 0)
    return other_build(info.build_id == nullptr ? "" : info.build_id);
  return {};
}

std::string refuse_offer(const ModuleInfo& info) {
  if (info.name == nullptr || *info.name == 0) return "its descriptor has no name";
  if (info.version == nullptr) return "its descriptor has no version";
  const bool all =
      whole(info.handlers, info.handler_count,
            [](const auto& f) { return f.create ? f.directive : nullptr; }) &&
      whole(info.matchers, info.matcher_count,
            [](const auto& f) { return f.create ? f.matcher : nullptr; }) &&
      whole(info.http, info.http_count, [](const auto& f) { return f.create ? f.directive : nullptr; }) &&
      whole(info.services, info.service_count, [](const auto& f) { return f.make ? f.interface : nullptr; });
  return all ? "" : "its descriptor offers something without a name or a function";
}

}  // namespace sipward

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sipward/module.hpp"

// Where modules are, and how one gets into the process. Control thread; nothing here throws.
namespace sipward {

// The program that runs, as the kernel names it; empty when /proc is not there.
std::filesystem::path current_executable();
// bin/ stands beside lib/<libdir>/sipward/modules, in a build tree as after an installation.
std::vector<std::filesystem::path> default_module_dirs(const std::filesystem::path& executable);

// Why others than the owner could change it (or what a path leads to), or why that can't be told; empty when
// only the owner can.
std::string refuse_writable(const std::filesystem::path& path);

// Maps a shared object for as long as the process lives and gives its descriptor, unread and unchecked. The
// object is not loaded when it exports none, or when its build id, read from the file, is not this server's.
// nullptr with `why` set on failure.
const ModuleInfo* open_module(const std::filesystem::path& file, std::string& why);

// Why a descriptor can't be used by this server (both values named), or empty. Reads only the three fields
// that never move.
std::string refuse_build(const ModuleInfo& info);
// What is missing in a descriptor of this build, or empty.
std::string refuse_offer(const ModuleInfo& info);

}  // namespace sipward

#pragma once

#include <cstdint>
#include <string>

namespace sipward::guardian {

// Whether files of a file system with this magic number (statfs(2), f_type) may be shared by machines, so
// that neither shared memory nor every kind of lock can be relied on.
bool is_network_file_system(std::uint64_t magic);

// The magic number of the file system on which the file lies, or would lie; 0 when that can't be told.
std::uint64_t file_system_of(const std::string& path);

}  // namespace sipward::guardian

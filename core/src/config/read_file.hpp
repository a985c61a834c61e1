#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace sipward::config {

inline constexpr std::size_t kMaxFileSize = 4U << 20;

// Appends the file to `text`; gives back why that failed, or nothing.
std::string read_file(const std::filesystem::path& path, std::size_t limit, std::string& text);

}  // namespace sipward::config

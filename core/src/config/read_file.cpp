#include "config/read_file.hpp"

#include <cstdio>
#include <memory>
#include <system_error>

#include "sipward/config/scalars.hpp"

namespace sipward::config {

std::string read_file(const std::filesystem::path& path, std::size_t limit, std::string& text) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return "it is a folder";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return std::generic_category().message(errno);
  char buffer[16384];
  while (const auto count = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, count);
    if (text.size() > limit) return "it is larger than " + format_size(limit);
  }
  if (std::ferror(file.get())) return std::generic_category().message(errno);
  return {};
}

}  // namespace sipward::config

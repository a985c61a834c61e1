#include "sipward/config/node.hpp"

#include "sipward/config/record.hpp"

namespace sipward::config {

std::string Position::to_string() const {
  if (!source) return {};
  if (line == 0) return source->file;
  return source->file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Position Position::after(unsigned count) const {
  Position result = *this;
  result.column += count;
  return result;
}

std::shared_ptr<Record> make_record() {
  return std::make_shared<Record>();
}

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result = "'";
  for (char c : text.substr(0, kLongest)) {
    const auto code = static_cast<unsigned char>(c);
    result += code < 0x20 || code == 0x7f ? '?' : c;
  }
  if (text.size() > kLongest) {
    // Never leave half a character behind.
    while ((static_cast<unsigned char>(result.back()) & 0xC0U) == 0x80U) result.pop_back();
    if (static_cast<unsigned char>(result.back()) >= 0xC0U) result.pop_back();
    result += "…";
  }
  return result + "'";
}

}  // namespace sipward::config

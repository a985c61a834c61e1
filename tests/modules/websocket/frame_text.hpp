#pragma once

#include <string>
#include <string_view>

namespace sipward::test {

// A frame as a client sends it: masked.
inline std::string frame(unsigned opcode, std::string_view payload, bool final = true) {
  constexpr unsigned char kMask[] = {0x37, 0xFA, 0x21, 0x3D};
  std::string out;
  out += static_cast<char>((final ? 0x80U : 0U) | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80U | payload.size());
  } else {
    const bool large = payload.size() > 0xFFFF;
    out += static_cast<char>(0x80U | (large ? 127U : 126U));
    for (int i = large ? 7 : 1; i >= 0; --i) out += static_cast<char>(payload.size() >> (8 * i) & 0xFF);
  }
  for (const auto octet : kMask) out += static_cast<char>(octet);
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ kMask[i % 4]);
  return out;
}

inline constexpr unsigned kMore = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

}  // namespace sipward::test

#include "extension.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "sipward/sip/uri.hpp"

namespace sipward::guardian {
namespace {

constexpr std::size_t kMostDigits = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::uint8_t digits_of(std::uint64_t number) {
  std::uint8_t digits = 1;
  while (number >= 10) number /= 10, ++digits;
  return digits;
}

}  // namespace

std::uint64_t extension_key(std::uint64_t number, const HashKey& key) {
  char octets[sizeof(number)];
  std::memcpy(octets, &number, sizeof(number));
  const auto hash = keyed_hash(key, std::string_view(octets, sizeof(octets)));
  return hash == 0 ? 1 : hash;
}

Extension extension_of(std::string_view user, const HashKey& key) {
  std::array<char, 256> buffer;
  std::array<char, 256> lower;
  std::string_view text = sip::normalise_user(user, buffer);
  if (text.substr(0, 1) == "+") text.remove_prefix(1);
  if (text.substr(0, 3) == "%2B") text.remove_prefix(3);
  Extension out;
  if (text.empty()) return out;
  if (std::all_of(text.begin(), text.end(), is_digit)) {
    const auto significant = std::min(text.find_first_not_of('0'), text.size() - 1);
    const auto written = text.size();
    text.remove_prefix(significant);
    if (text.size() <= kMostDigits) {
      for (const char c : text) out.number = out.number * 10 + static_cast<std::uint64_t>(c - '0');
      out.digits = static_cast<std::uint8_t>(std::min<std::size_t>(written, 0xFF));
      out.key = extension_key(out.number, key);
      return out;
    }
  } else if (text.size() <= lower.size()) {
    std::transform(text.begin(), text.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    text = {lower.data(), text.size()};
  }
  // A text of 8 octets must not meet the number that has the same octets.
  out.key = keyed_hash({key.k1, key.k0}, text);
  if (out.key == 0) out.key = 1;
  return out;
}

bool same_series(const Extension& a, const Extension& b) {
  if (a.digits == b.digits) return true;
  return a.digits == digits_of(a.number) && b.digits == digits_of(b.number);
}

}  // namespace sipward::guardian

#include "users.hpp"

#include <algorithm>
#include <charconv>

namespace sipward::respond {
namespace {

constexpr std::size_t kMaxDigits = 9;  // fits 32 bits
constexpr std::size_t kMaxName = 128;

bool parse_digits(std::string_view text, std::uint32_t& out) {
  if (text.empty() || text.size() > kMaxDigits) return false;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && at == end;
}

}  // namespace

bool Users::add(std::string_view text) {
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    Range range{dash, 0, 0};
    if (parse_digits(text.substr(0, dash), range.first) && parse_digits(text.substr(dash + 1), range.last)) {
      if (text.size() != 2 * dash + 1 || range.first > range.last) return false;
      ranges_.push_back(range);
      return true;
    }
  }
  if (text.empty() || text.size() > kMaxName) return false;
  names_.emplace(text);
  return true;
}

bool Users::contains(std::string_view user) const {
  std::uint32_t number = 0;
  if (parse_digits(user, number)) {
    const auto holds = [&](const Range& r) {
      return r.digits == user.size() && r.first <= number && number <= r.last;
    };
    if (std::any_of(ranges_.begin(), ranges_.end(), holds)) return true;
  }
  return names_.find(user) != names_.end();
}

}  // namespace sipward::respond

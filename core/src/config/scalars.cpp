#include "sipward/config/scalars.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <vector>

namespace sipward::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From great to small, which is also the order in which a duration names them.
constexpr Unit kTimeUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {{"TiB", 1ULL << 40},
                               {"GiB", 1ULL << 30},
                               {"MiB", 1ULL << 20},
                               {"KiB", 1ULL << 10},
                               {"TB", 1'000'000'000'000},
                               {"GB", 1'000'000'000},
                               {"MB", 1'000'000},
                               {"KB", 1000},
                               {"kB", 1000},
                               {"B", 1},
                               {"", 1}};
constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// 1.5 x factor without a rounding error or an overflow; what is left of the number is cut from the text.
struct Decimal {
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  std::uint64_t scale = 1;

  static std::optional<Decimal> take(std::string_view& text) {
    constexpr std::size_t kFractionDigits = 6;  // x 2^40 still fits in 64 bits
    Decimal result;
    auto count = digits_at(text);
    const auto whole = whole_number<std::uint64_t>(text.substr(0, count));
    if (!whole) return std::nullopt;
    result.whole = *whole;
    text.remove_prefix(count);
    if (!text.starts_with('.')) return result;
    text.remove_prefix(1);
    count = digits_at(text);
    if (count > kFractionDigits) return std::nullopt;
    const auto fraction = whole_number<std::uint64_t>(text.substr(0, count));
    if (!fraction) return std::nullopt;
    result.fraction = *fraction;
    for (std::size_t i = 0; i < count; ++i) result.scale *= 10;
    text.remove_prefix(count);
    return result;
  }

  std::optional<std::uint64_t> times(std::uint64_t factor) const {
    if (whole > kMaxSize / factor) return std::nullopt;
    const std::uint64_t part = fraction * factor / scale;
    const std::uint64_t result = whole * factor;
    if (part > kMaxSize - result) return std::nullopt;
    if (result + part == 0 && (whole > 0 || fraction > 0)) return std::nullopt;
    return result + part;
  }
};

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return words;
    text.remove_prefix(start);
    const auto end = text.find_first_of(" \t");
    words.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end);
  }
}

const Unit* unit_named(std::span<const Unit> units, std::string_view name) {
  const auto found = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  return found == units.end() ? nullptr : &*found;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>(kMaxDuration.count());
  std::uint64_t total = 0;
  const Unit* last = nullptr;
  while (!text.empty()) {
    const auto number = Decimal::take(text);
    if (!number) return std::nullopt;
    const auto letters = static_cast<std::size_t>(
        std::find_if(text.begin(), text.end(), [](char c) { return c < 'a' || c > 'z'; }) - text.begin());
    const Unit* unit = unit_named(kTimeUnits, text.substr(0, letters));
    if (!unit || (last && unit <= last)) return std::nullopt;
    last = unit;
    text.remove_prefix(letters);
    const auto part = number->times(unit->factor);
    if (!part || *part > limit - total) return std::nullopt;
    total += *part;
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() <= 0) return "0s";
  auto left = static_cast<std::uint64_t>(duration.count());
  std::string text;
  for (const auto& unit : kTimeUnits) {
    if (left < unit.factor) continue;
    text += std::to_string(left / unit.factor) + std::string(unit.name);
    left %= unit.factor;
  }
  return text;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = Decimal::take(text);
  const Unit* unit = unit_named(kSizeUnits, text);
  if (!number || !unit) return std::nullopt;
  return number->times(unit->factor);
}

std::string format_size(std::uint64_t octets) {
  for (const auto& unit : std::span(kSizeUnits).first(4)) {
    if (octets > 0 && octets % unit.factor == 0)
      return std::to_string(octets / unit.factor) + std::string(unit.name);
  }
  return std::to_string(octets);
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  return whole_number<std::int64_t>(text);
}

std::optional<bool> parse_flag(std::string_view text) {
  if (text == "on" || text == "true") return true;
  if (text == "off" || text == "false") return false;
  return std::nullopt;
}

std::optional<Rate> parse_rate(std::string_view text) {
  const auto words = split(text);
  if (words.size() != 1 && words.size() != 3) return std::nullopt;
  const auto slash = words[0].find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = whole_number<std::uint32_t>(words[0].substr(0, slash));
  const auto period = words[0].substr(slash + 1);
  const Unit* unit = unit_named(kTimeUnits, period);
  const auto per =
      unit ? std::chrono::milliseconds(static_cast<std::int64_t>(unit->factor)) : parse_duration(period);
  if (!count || *count == 0 || !per || per->count() == 0) return std::nullopt;
  Rate rate{*count, *per, *count};
  if (words.size() == 3) {
    const auto burst = whole_number<std::uint32_t>(words[2]);
    if (words[1] != "burst" || !burst || *burst == 0) return std::nullopt;
    rate.burst = *burst;
  }
  return rate;
}

std::string format_rate(const Rate& rate) {
  const auto found = std::find_if(std::begin(kTimeUnits), std::end(kTimeUnits), [&](const Unit& unit) {
    return unit.factor == static_cast<std::uint64_t>(rate.per.count());
  });
  const auto period = found == std::end(kTimeUnits) ? format_duration(rate.per) : std::string(found->name);
  auto text = std::to_string(rate.count) + "/" + period;
  if (rate.burst != rate.count) text += " burst " + std::to_string(rate.burst);
  return text;
}

}  // namespace sipward::config

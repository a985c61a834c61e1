#include <algorithm>
#include <cstdint>

#include "cli/config_commands.hpp"

namespace sipward::cli {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void put(std::string& out, std::string_view mark, std::span<const std::string_view> lines) {
  for (const auto line : lines) out.append(mark).append(line).append("\n");
}

using Lines = std::span<const std::string_view>;

// The longest common subsequence by its table; past the limit everything is new.
void middle(std::string& out, Lines a, Lines b) {
  constexpr std::size_t kMaxCells = 4'000'000;
  if (a.empty() || b.empty() || a.size() > kMaxCells / b.size()) {
    put(out, "- ", a);
    put(out, "+ ", b);
    return;
  }
  const auto width = b.size() + 1;
  std::vector<std::uint32_t> common((a.size() + 1) * width);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i * width + j] = a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                                           : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      put(out, "  ", a.subspan(i, 1));
      ++i, ++j;
    } else if (j == b.size() || (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      put(out, "- ", a.subspan(i++, 1));
    } else {
      put(out, "+ ", b.subspan(j++, 1));
    }
  }
}

}  // namespace

std::string line_difference(std::string_view before, std::string_view after) {
  const auto a = lines_of(before);
  const auto b = lines_of(after);
  const auto shorter = std::min(a.size(), b.size());
  std::size_t head = 0, tail = 0;
  while (head < shorter && a[head] == b[head]) ++head;
  while (tail < shorter - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  std::string out;
  put(out, "  ", Lines(a).first(head));
  middle(out, Lines(a).subspan(head, a.size() - head - tail), Lines(b).subspan(head, b.size() - head - tail));
  put(out, "  ", Lines(a).last(tail));
  return out;
}

}  // namespace sipward::cli

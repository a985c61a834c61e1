#include "prometheus.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sipward::admin {
namespace {

constexpr double kLargestExact = 9007199254740992.0;  // 2^53

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

// Several labels are one name and one value, joined by commas (metrics.hpp).
void append_labels(std::string& out, std::string_view names, std::string_view values) {
  out += '{';
  for (bool first = true;; first = false) {
    const auto comma = names.find(',');
    const auto value_end =
        comma == std::string_view::npos ? values.size() : std::min(values.find(','), values.size());
    if (!first) out += ',';
    out += names.substr(0, comma);
    out += "=\"";
    append_escaped(out, values.substr(0, value_end), true);
    out += '"';
    if (comma == std::string_view::npos) break;
    names.remove_prefix(comma + 1);
    values.remove_prefix(std::min(value_end + 1, values.size()));
  }
  out += '}';
}

}  // namespace

void append_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> text{};
    const bool whole = std::trunc(number) == number && std::fabs(number) <= kLargestExact;
    const auto end =
        whole ? std::to_chars(text.data(), text.data() + text.size(), static_cast<long long>(number))
              : std::to_chars(text.data(), text.data() + text.size(), number);
    out.append(text.data(), end.ptr);
  }
}

std::string render_prometheus(const std::vector<MetricFamily>& families) {
  std::string out;
  for (const auto& family : families) {
    out += "# HELP " + family.name + ' ';
    append_escaped(out, family.help, false);
    out += "\n# TYPE " + family.name + ' ' + family.type + '\n';
    for (const auto& sample : family.samples) {
      out += family.name;
      out += sample.suffix;
      if (!sample.label.empty()) {
        append_labels(out, sample.label, sample.label_value);
      }
      out += ' ';
      append_number(out, sample.number);
      out += '\n';
    }
  }
  return out;
}

}  // namespace sipward::admin

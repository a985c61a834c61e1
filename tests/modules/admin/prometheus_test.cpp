#include "prometheus.hpp"

#include <cctype>
#include <limits>
#include <regex>
#include <sstream>

#include "doubles.hpp"
#include "process_metrics.hpp"

using namespace sipward;
using namespace sipward::admin;

namespace {

// The grammar of the text format 0.0.4 for what is written here: every line is a comment of two kinds or a
// sample, and a sample stands below the TYPE line of its family.
bool valid_exposition(const std::string& text) {
  const std::regex help("# HELP [a-zA-Z_:][a-zA-Z0-9_:]* [^\n]*");
  const std::regex type("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)");
  const std::regex sample(
      "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"(\\\\[\\\\n\"]|[^\\\\\"\n])*\"\\})? "
      "([+-]?[0-9.]+(e[+-]?[0-9]+)?|[+-]Inf|NaN)");
  if (!text.empty() && text.back() != '\n') return false;
  std::istringstream lines(text);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (std::regex_match(line, help)) continue;
    if (std::regex_match(line, parts, type)) {
      family = parts[1];
    } else if (!std::regex_match(line, parts, sample) || parts[1].str().rfind(family, 0) != 0) {
      UNSCOPED_INFO(line);
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("families are rendered in the text format, with their values escaped") {
  const std::vector<MetricFamily> families = {
      {"sip_guardian_requests_total",
       "Requests \\ by\nmethod.",
       "counter",
       {{"", "method", "REGISTER", 3}, {"", "method", "a\"b\\c\nd", 4}}},
      {"size_bytes",
       "Sizes.",
       "histogram",
       {{"_bucket", "le", "100", 1},
        {"_bucket", "le", "+Inf", 2},
        {"_sum", "", "", 150.5},
        {"_count", "", "", 2}}},
  };
  const auto text = render_prometheus(families);
  CHECK(text ==
        "# HELP sip_guardian_requests_total Requests \\\\ by\\nmethod.\n"
        "# TYPE sip_guardian_requests_total counter\n"
        "sip_guardian_requests_total{method=\"REGISTER\"} 3\n"
        "sip_guardian_requests_total{method=\"a\\\"b\\\\c\\nd\"} 4\n"
        "# HELP size_bytes Sizes.\n"
        "# TYPE size_bytes histogram\n"
        "size_bytes_bucket{le=\"100\"} 1\n"
        "size_bytes_bucket{le=\"+Inf\"} 2\n"
        "size_bytes_sum 150.5\n"
        "size_bytes_count 2\n");
  CHECK(valid_exposition(text));
}

TEST_CASE("numbers keep their value and whole ones have no fraction") {
  const auto text = [](double number) {
    std::string out;
    append_number(out, number);
    return out;
  };
  CHECK(text(0) == "0");
  CHECK(text(15234) == "15234");
  CHECK(text(9007199254740992.0) == "9007199254740992");
  CHECK(text(-2) == "-2");
  CHECK(text(0.25) == "0.25");
  CHECK(std::stod(text(1e300)) == 1e300);
  CHECK(text(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(text(-std::numeric_limits<double>::infinity()) == "-Inf");
  CHECK(text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("the process tells its memory, time, descriptors, start and version") {
  const auto families = process_metrics();
  const auto value = [&](std::string_view name) {
    for (const auto& family : families) {
      if (family.name == name) return family.samples.at(0).number;
    }
    return -1.0;
  };
  CHECK(value("process_resident_memory_bytes") > 100'000);
  CHECK(value("process_cpu_seconds_total") >= 0);
  CHECK(value("process_open_fds") >= 3);
  CHECK(value("process_threads") >= 1);
  CHECK(value("process_start_time_seconds") > 1.6e9);
  CHECK(value("sipward_build_info") == 1);
  CHECK(valid_exposition(render_prometheus(families)));
}

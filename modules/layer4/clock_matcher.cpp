#include "clock_matcher.hpp"

#include <absl/time/civil_time.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "sipward/build_context.hpp"

namespace sipward::layer4 {
namespace {

constexpr std::string_view kWantsTime = "a time of the day such as 08:30 or 08:30:00";
constexpr std::chrono::seconds kDay = std::chrono::hours(24);

// HH:MM or HH:MM:SS, up to 24:00:00.
std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  if (text.size() != 5 && text.size() != 8) return std::nullopt;
  int parts[3] = {};
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (!digit(i) || !digit(i + 1) || (i > 0 && text[i - 1] != ':')) return std::nullopt;
    parts[i / 3] = (text[i] - '0') * 10 + (text[i + 1] - '0');
  }
  if (parts[1] > 59 || parts[2] > 59) return std::nullopt;
  const auto time =
      std::chrono::hours(parts[0]) + std::chrono::minutes(parts[1]) + std::chrono::seconds(parts[2]);
  return time <= kDay ? std::optional<std::chrono::seconds>(time) : std::nullopt;
}

// A name from the system's time zones; never a path out of them.
bool load_zone(const std::string& name, absl::TimeZone& zone) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && name.front() != '/' && std::all_of(name.begin(), name.end(), plain) &&
         absl::LoadTimeZone(name, &zone);
}

}  // namespace

ClockOptions read_clock(const config::Node& node, config::Errors& errors) {
  ClockOptions o;
  config::Reader r(node, errors);
  const auto keep = [](std::chrono::seconds& out) {
    return [&out](const config::Arg& arg) {
      const auto time = time_of_day(arg.text);
      if (time) out = *time;
      return time.has_value();
    };
  };
  r.value("after", kWantsTime, keep(o.after), config::Place::argument);
  r.value("before", kWantsTime, keep(o.before), config::Place::argument);
  const auto zone = [&](const config::Arg& arg) { return load_zone(arg.text, o.zone); };
  r.value("timezone", "a time zone such as Europe/Berlin", zone, config::Place::argument);
  r.require("after");
  r.require("before");
  if (o.after == o.before && r.given("after") && r.given("before"))
    r.warn("before", "the two times are the same: that is all day");
  r.finish();
  return o;
}

void ClockMatcher::provision(BuildContext& context) {
  clock_ = &context.clock;
}

bool ClockMatcher::now() const {
  const auto civil = absl::ToCivilSecond(absl::FromChrono(clock_->wall()), options_.zone);
  const auto time = std::chrono::seconds(civil - absl::CivilSecond(absl::CivilDay(civil)));
  return options_.after < options_.before ? time >= options_.after && time < options_.before
                                          : time >= options_.after || time < options_.before;
}

bool ClockMatcher::admits(const Source&) const {
  return now();
}

Match ClockMatcher::match(Packet&) const {
  return now() ? Match::yes : Match::no;
}

Match ClockMatcher::match_start(const StreamStart&) const {
  return now() ? Match::yes : Match::no;
}

}  // namespace sipward::layer4

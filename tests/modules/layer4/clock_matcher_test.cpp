#include "clock_matcher.hpp"

#include "matching.hpp"
#include "sipward/testing/fake_host.hpp"

using namespace sipward;
using namespace sipward::layer4;

namespace {

// Seconds since 1970 of a moment in UTC.
std::chrono::seconds utc(int year, int month, int day, int hour, int minute, int second = 0) {
  return std::chrono::seconds(absl::ToUnixSeconds(
      absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second), absl::UTCTimeZone())));
}

bool takes(const std::string& line, std::chrono::seconds moment) {
  test::FakeHost host;
  host.clock.advance(WallTime(moment) - host.clock.wall());
  ClockMatcher matcher(read_line(line, read_clock));
  auto context = host.context();
  matcher.provision(context);
  const auto info = from("192.0.2.1:1", "203.0.113.1:5060");
  const bool admitted = matcher.admits(info.source);
  CHECK((matcher.match_start({info, {}}) == Match::yes) == admitted);
  return admitted;
}

}  // namespace

TEST_CASE("a time from morning to evening") {
  CHECK_FALSE(takes("clock 08:00 18:30", utc(2026, 5, 4, 7, 59, 59)));
  CHECK(takes("clock 08:00 18:30", utc(2026, 5, 4, 8, 0)));
  CHECK(takes("clock 08:00 18:30", utc(2026, 5, 4, 18, 29, 59)));
  CHECK_FALSE(takes("clock 08:00 18:30", utc(2026, 5, 4, 18, 30)));
}

TEST_CASE("a time over midnight, and until midnight") {
  CHECK(takes("clock 22:00:30 06:00", utc(2026, 5, 4, 22, 0, 30)));
  CHECK(takes("clock 22:00:30 06:00", utc(2026, 5, 4, 0, 0)));
  CHECK(takes("clock 22:00:30 06:00", utc(2026, 5, 4, 5, 59, 59)));
  CHECK_FALSE(takes("clock 22:00:30 06:00", utc(2026, 5, 4, 6, 0)));
  CHECK_FALSE(takes("clock 22:00:30 06:00", utc(2026, 5, 4, 22, 0, 29)));
  CHECK(takes("clock 20:00 24:00", utc(2026, 5, 4, 23, 59, 59)));
  CHECK_FALSE(takes("clock 20:00 24:00", utc(2026, 5, 5, 0, 0)));
  CHECK(takes("clock 20:00 00:00", utc(2026, 5, 4, 23, 59, 59)));
}

TEST_CASE("a time zone has its summer time") {
  const std::string line = "clock 08:00 09:00 Europe/Berlin";
  CHECK(takes(line, utc(2026, 1, 15, 7, 30)));
  CHECK_FALSE(takes(line, utc(2026, 1, 15, 6, 30)));
  CHECK(takes(line, utc(2026, 7, 15, 6, 30)));
  CHECK_FALSE(takes(line, utc(2026, 7, 15, 7, 30)));
}

TEST_CASE("what is no time or zone is an error") {
  for (const char* line :
       {"clock", "clock 08:00", "clock 8:00 18:00", "clock 08:60 18:00", "clock 24:01 18:00",
        "clock 08-00 18:00", "clock 08:00 18:00 Nowhere/Atlantis", "clock 08:00 18:00 ../../etc/passwd",
        "clock 08:00 18:00 /etc/localtime", "clock 08:00 18:00 UTC UTC"}) {
    INFO(line);
    CHECK_FALSE(faults(line, read_clock).empty());
  }
}

#pragma once

#include <absl/time/time.h>

#include <chrono>

#include "sipward/clock.hpp"
#include "sipward/config.hpp"
#include "sipward/handler.hpp"

namespace sipward::layer4 {

struct ClockOptions {
  std::chrono::seconds after{};   // of the day
  std::chrono::seconds before{};  // of the day; not after `after` means that of the next day
  absl::TimeZone zone = absl::UTCTimeZone();
};

ClockOptions read_clock(const config::Node& node, config::Errors& errors);

// `clock`: takes what comes at that time of the day.
class ClockMatcher final : public Matcher {
 public:
  explicit ClockMatcher(ClockOptions options) : options_(options) {}

  void provision(BuildContext& context) override;
  Match match(Packet& packet) const override;
  bool admits(const Source& source) const override;
  Match match_start(const StreamStart& start) const override;

 private:
  bool now() const;

  ClockOptions options_;
  const Clock* clock_ = nullptr;
};

}  // namespace sipward::layer4

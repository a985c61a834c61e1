#pragma once

#include <cstdint>
#include <string>

#include "sipward/config.hpp"

namespace sipward::guardian {

// `ban_log` and `decision_log`: the files that hear of every decision.
struct LogOptions {
  std::string ban_log;       // lines for fail2ban; empty: none
  std::string decision_log;  // JSON, one object in a line; empty: none
  std::uint64_t roll_size = std::uint64_t{100} << 20;
  unsigned roll_keep = 10;
};

void read_logs(config::Reader& reader, LogOptions& options);

}  // namespace sipward::guardian

#pragma once

#include <chrono>

#include "sipward/config.hpp"

namespace sipward::guardian {

// `failed_auth_ban { … }`: failures of authentication, weighted by how sure they are.
struct FailedAuthOptions {
  bool enabled = false;  // the block is there
  unsigned threshold = 10;
  std::chrono::milliseconds window = std::chrono::minutes(10);
  std::chrono::milliseconds ban_time = std::chrono::hours(1);
  unsigned strong_signal_weight = 3;
  bool shadow = false;
};

void read_failed_auth(config::Reader& reader, FailedAuthOptions& options);

}  // namespace sipward::guardian

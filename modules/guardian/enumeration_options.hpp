#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sipward/config.hpp"

namespace sipward::guardian {

// `enumeration { … }`: guessing of users.
struct EnumerationOptions {
  bool enabled = true;
  unsigned max_extensions = 20;
  std::chrono::milliseconds extension_window = std::chrono::minutes(5);
  unsigned sequential_threshold = 5;
  unsigned rapid_fire_count = 10;
  std::chrono::milliseconds rapid_fire_window = std::chrono::seconds(30);
  std::chrono::milliseconds ban_time = std::chrono::hours(2);
  bool shadow = false;
  std::vector<std::string> exempt;  // users as written
};

void read_enumeration(config::Reader& reader, EnumerationOptions& options);

}  // namespace sipward::guardian

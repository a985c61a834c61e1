#pragma once

#include <chrono>
#include <cstddef>

#include "sipward/config.hpp"
#include "users.hpp"

namespace sipward::respond {

struct Options {
  Users users;  // 100-199 when none is given
  std::chrono::milliseconds min_expires{std::chrono::seconds(60)};
  std::chrono::milliseconds max_expires{std::chrono::hours(1)};
  std::size_t max_contacts = 5;                 // of one user
  std::size_t max_calls = 1000;                 // open at once, on each worker
  std::chrono::milliseconds answer_after{200};  // between ringing and picking up
  config::Position position;
};

Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::respond

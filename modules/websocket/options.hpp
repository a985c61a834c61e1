#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sipward/config.hpp"

namespace sipward::websocket {

struct Options {
  std::vector<std::string> origins;  // that web pages may come from; empty: any
  std::uint64_t max_message_size = 65535;
  std::uint64_t max_header_size = 8192;  // of the HTTP request
  unsigned max_fragments = 32;           // frames of one message
};
Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::websocket

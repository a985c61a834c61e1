#pragma once

#include <cstddef>

namespace sipward::sip {

// How big a SIP message and its parts may be. One set serves framer, splitter and validator, so that none of
// them accepts what another cannot hold. Sizes in octets. A value type, immutable once a listener runs.
struct Limits {
  std::size_t message = 65535;
  std::size_t head = 32 * std::size_t{1024};  // start line to empty line, inclusive
  std::size_t start_line = 4096;
  std::size_t header = 8 * std::size_t{1024};  // one header with its folds
  std::size_t headers = 200;                   // at most kMaxHeaders
  std::size_t method = 64;
  std::size_t uri = 2048;
  std::size_t call_id = 512;
  std::size_t display_name = 512;
  std::size_t parameters = 64;  // of one value
  std::size_t vias = 70;        // values, over all lines
  std::size_t routes = 30;      // Route and Record-Route values, each
  std::size_t contacts = 20;
};

// What a Message can ever hold, whatever the limits say.
inline constexpr std::size_t kMaxHeaders = 512;

}  // namespace sipward::sip

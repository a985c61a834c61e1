#pragma once

#include <string>
#include <string_view>

#include "options.hpp"

namespace sipward::websocket {

// What becomes of a client's HTTP request (RFC 6455 4.2, RFC 7118 4).
struct Upgrade {
  std::string answer;      // to be sent, whatever it is
  std::string_view fault;  // why it was refused; empty: it was not
};

// Judges a whole request head, with its empty line.
Upgrade judge_request(std::string_view head, const Options& options);
// The answer to one that is too large to be read.
Upgrade refuse_large();

}  // namespace sipward::websocket

#pragma once

#include <vector>

#include "config/json_value.hpp"
#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"
#include "sipward/config/sipfile.hpp"

namespace sipward::config {

// A JSON document as the Nodes that a Sipfile of the same meaning gives, so that all further checks are one.
struct JsonShape {
  Node global;                // its children are the global options
  std::vector<Node> servers;  // `udp/:5060 { @name { … }; route @name { … } }`
  std::vector<Node> sites;    // `:2020 { handle /path { … } }`
};

JsonShape json_shape(const JsonValue& document, const Environment& environment, Errors& errors);

}  // namespace sipward::config

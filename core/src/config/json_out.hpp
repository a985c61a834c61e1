#pragma once

#include <boost/json/value.hpp>

#include "sipward/config/node.hpp"

namespace sipward::config {

// The options of one Node: by its Record when a Reader was there, else as written (args and children as they
// stand).
boost::json::value to_json(const Node& node);

}  // namespace sipward::config

#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace sipward::cli {

// JSON as people read it: indented by two spaces, keys in their order, ended by a line end.
std::string pretty(const boost::json::value& value);

}  // namespace sipward::cli

#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipward {

// Where something stands in the canonical JSON: keys, and indexes of arrays. The empty path is the whole.
using ConfigPath = std::vector<std::string>;

// What stands there; nullptr when nothing does.
const boost::json::value* find_config(const boost::json::value& root, const ConfigPath& path);

// What a method does to it, as Caddy's API has it:
//   POST    sets a value; on an array it appends one, or with "..." as the last step all of an array
//   PUT     makes a value that is not there yet, or inserts before an index of an array
//   PATCH   replaces a value that is there
//   DELETE  removes one
struct EditRefusal {
  unsigned status;  // 400, 404, 405, 409
  std::string why;
};
// nullopt when it was done; after a refusal `root` is worth nothing.
std::optional<EditRefusal> edit_config(boost::json::value& root, std::string_view method,
                                       const ConfigPath& path, boost::json::value value);

}  // namespace sipward

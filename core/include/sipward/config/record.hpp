#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::config {

// What a Reader was asked for at one Node, and what it found: enough to print the canonical JSON of the
// directive and the list of its options, with no second description anywhere.
class Record {
 public:
  struct Option {
    std::string name;
    std::string type;                             // duration, number, text, block …
    std::string detail;                           // "1 to 1000000", "a, b or c"; may be empty
    boost::json::value default_value;             // null when there is none
    boost::json::value value;                     // what was given, in canonical form; null when absent
    bool repeatable = false;                      // several values: always an array
    bool active = true;                           // false: parsed, but the feature is not built yet
    std::vector<std::shared_ptr<Record>> blocks;  // of a block option: one for each time it was given
  };

  // Makes readers walk into blocks that were not given, so that their options are listed too.
  bool describing = false;
  bool filled = false;  // a Reader was here

  Option& option(std::string_view name);  // finds or adds
  const Option* find(std::string_view name) const;
  const std::vector<Option>& options() const { return options_; }
  void clear();  // keeps describing

  // The options that were given: durations, sizes and rates as strings, repeatable ones as arrays.
  boost::json::object to_json() const;
  // Every option as {name, type, detail?, default?, repeatable?, active?, options?}.
  boost::json::array options_json() const;

 private:
  std::vector<Option> options_;
};

}  // namespace sipward::config

#include "sipward/config/record.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace sipward::config {

Record::Option& Record::option(std::string_view name) {
  const auto found =
      std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
  if (found != options_.end()) return *found;
  options_.emplace_back().name = name;
  return options_.back();
}

const Record::Option* Record::find(std::string_view name) const {
  const auto found =
      std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

void Record::clear() {
  options_.clear();
  filled = false;
}

boost::json::object Record::to_json() const {
  boost::json::object result;
  for (const auto& option : options_) {
    if (option.type != "block") {
      if (!option.value.is_null()) result[option.name] = option.value;
      continue;
    }
    if (option.value.is_null()) continue;  // only described
    if (!option.repeatable) {
      result[option.name] = option.blocks.front()->to_json();
      continue;
    }
    boost::json::array all;
    for (const auto& block : option.blocks) all.push_back(block->to_json());
    result[option.name] = std::move(all);
  }
  return result;
}

boost::json::array Record::options_json() const {
  boost::json::array result;
  for (const auto& option : options_) {
    boost::json::object entry{{"name", option.name}, {"type", option.type}};
    if (!option.detail.empty()) entry["detail"] = option.detail;
    if (!option.default_value.is_null()) entry["default"] = option.default_value;
    if (option.repeatable) entry["repeatable"] = true;
    if (!option.active) entry["active"] = false;
    if (!option.blocks.empty()) entry["options"] = option.blocks.front()->options_json();
    result.push_back(std::move(entry));
  }
  return result;
}

}  // namespace sipward::config

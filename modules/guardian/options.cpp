#include "options.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "geo_database.hpp"
#include "options_reader.hpp"

namespace sipward::guardian {
namespace {

// Where the option of a path stands in the directive; the directive itself when it stood among its arguments.
config::Position position_of(const config::Node& node, std::string_view name) {
  for (const auto& child : node.children) {
    if (child.name == name) return child.position;
  }
  return node.position;
}

const config::Node* child_of(const config::Node& node, std::string_view name) {
  for (const auto& child : node.children) {
    if (child.name == name) return &child;
  }
  return nullptr;
}

}  // namespace

Cidr Options::ban_prefix(const Address& address) const {
  const unsigned bits = address.is_v4() ? ban_scope_v4 : ban_scope_v6;
  return {address.masked(bits), bits};
}

void SharedOptions::add(const config::Node& node, config::Errors& errors) {
  if (!first_.source) first_ = node.position;
  config::Reader reader(node, errors);
  read_options(reader, options);
  reader.finish();
  compare(node, *node.record, {}, errors);
}

void SharedOptions::compare(const config::Node& node, const config::Record& record, const std::string& path,
                            config::Errors& errors) {
  for (const auto& option : record.options()) {
    if (option.repeatable || option.value.is_null() || (path.empty() && option.name == "name")) continue;
    const auto whole = path.empty() ? option.name : path + "." + option.name;
    if (!option.blocks.empty()) {
      if (const auto* child = child_of(node, option.name)) compare(*child, *option.blocks[0], whole, errors);
      continue;
    }
    const auto position = position_of(node, option.name);
    const auto [found, fresh] = given_.try_emplace(whole, Given{option.value, position});
    if (fresh || found->second.value == option.value) continue;
    errors.add(position, whole + " is " + boost::json::serialize(option.value) + " here and " +
                             boost::json::serialize(found->second.value) + " at " +
                             found->second.position.to_string() + ", but both blocks are the guardian '" +
                             options.name + "'; give them two names or one value");
  }
}

void SharedOptions::validate(config::Errors& errors) const {
  const auto check = [&](bool good, const std::string& option, const std::string& message) {
    if (good) return;
    const auto found = given_.find(option);
    errors.add(found == given_.end() ? first_ : found->second.position, message);
  };
  check(options.soft_block_max >= options.soft_block, "soft_block.max",
        "soft_block max is less than soft_block itself");
  check(options.escalation_factor <= 1 || options.escalation_max >= options.ban_time, "ban_escalation.max",
        "ban_escalation max is less than ban_time");
  check_database("geoip_db", options.geoip.countries, errors);
  check_database("asn_db", options.geoip.networks, errors);
}

void SharedOptions::check_database(const char* option, const std::string& path,
                                   config::Errors& errors) const {
  const auto found = given_.find(option);
  if (path.empty() || found == given_.end()) return;
  const auto [judged, fresh] = faults_.try_emplace(path);
  auto& why = judged->second;
  if (fresh && GeoDatabase::load(path, why)) why.clear();
  if (why.empty()) return;
  errors.warn(found->second.position,
              std::string(option) + " " + config::quote(path) + " can't be read: " + why +
                  (options.geoip.required ? "; with geoip_required nothing starts without it"
                                          : "; until it can, nobody is refused by it"));
}

std::string instance_name(const config::Node& node) {
  // Only the name is wanted: everything else is read, and complained about, by SharedOptions::add.
  for (const auto& arg : node.args) {
    if (arg.quoted || arg.text.find('=') == std::string::npos) return arg.text;
    if (arg.text.rfind("name=", 0) == 0) return arg.text.substr(5);
  }
  for (const auto& child : node.children) {
    if (child.name == "name" && child.args.size() == 1) return child.args[0].text;
  }
  return "default";
}

std::shared_ptr<SharedOptions> shared_options(BuildScope& scope, const std::string& name) {
  auto shared = scope.share<SharedOptions>("sip_guardian/" + name);
  shared->options.name = name;
  return shared;
}

}  // namespace sipward::guardian

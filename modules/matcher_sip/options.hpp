#pragma once

#include <bitset>
#include <string>
#include <vector>

#include "pattern.hpp"
#include "sipward/config.hpp"
#include "sipward/sip/header.hpp"

namespace sipward::matcher_sip {

// What `sip { … }` says. An empty list leaves its question out; values of one option are ORed, options ANDed.
struct Options {
  bool all_methods = true;
  std::bitset<sip::kMethods> methods;     // those that sip::Method knows
  std::vector<std::string> more_methods;  // others, by name
  std::vector<Pattern> host;              // of the Request-URI
  std::vector<AddressPattern> from;
  std::vector<AddressPattern> to;
  std::vector<Pattern> user_agent;
  config::Position methods_position;

  bool has(sip::Method method) const { return all_methods || methods.test(static_cast<std::size_t>(method)); }
};

Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::matcher_sip

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sipward/config.hpp"

namespace sipward::topology_hider {

struct Options {
  std::string proxy_host;  // what the outside sees; an address or a host name
  Port proxy_port = 5060;
  std::optional<config::UpstreamAddress> upstream;
  bool rewrite_via = false;
  bool rewrite_contact = false;
  std::vector<std::string> strip_outbound;  // names of headers, of what leaves the inside
  std::vector<std::string> strip_inbound;
  bool hide_private_ips = false;
  std::vector<Cidr> internal_networks;
  bool anonymize_call_id = false;
  std::string contact_host;
  std::optional<Address> media_address;
  std::string key;  // empty: made in the state folder
};

Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::topology_hider

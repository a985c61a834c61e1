#pragma once

#include <cstdint>
#include <vector>

#include "hop_options.hpp"
#include "sipward/config.hpp"

namespace sipward::proxy {

enum class Policy : std::uint8_t {
  round_robin,
  weighted_round_robin,
  random,
  least_conn,
  first,
  ip_hash,
  call_id_hash
};

struct Options {
  std::vector<config::UpstreamAddress> upstreams;
  Policy policy = Policy::round_robin;
  SourceMode source = SourceMode::own;
  HopOptions hop;
};

// Reads `proxy ADDR… { … }` (docs/directives/proxy.md). Problems go to errors.
Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::proxy

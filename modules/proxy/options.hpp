#pragma once

#include "hop_options.hpp"
#include "pool.hpp"
#include "sipward/config.hpp"

namespace sipward::proxy {

struct Options {
  PoolOptions pool;
  SourceMode source = SourceMode::own;
  HopOptions hop;
};

// Reads `proxy ADDR… { … }` (docs/directives/proxy.md). Problems go to errors.
Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::proxy

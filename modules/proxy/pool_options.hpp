#pragma once

#include "pool.hpp"
#include "sipward/config.hpp"

namespace sipward::proxy {

// Reads what `proxy ADDR… { … }` says of its upstreams and how they are balanced (docs/directives/proxy.md).
// Problems go to the reader's errors.
PoolOptions read_pool_options(config::Reader& reader);

}  // namespace sipward::proxy

#pragma once

#include <memory>

#include "pool.hpp"
#include "sipward/build_context.hpp"

namespace sipward::proxy {

// Adds a pool to what the management API tells of this configuration: GET /upstreams, and
// POST /upstreams/ADDRESS/drain and …/enable. Control thread.
void list_upstreams(const std::shared_ptr<const Pool>& pool, BuildContext& context);

}  // namespace sipward::proxy

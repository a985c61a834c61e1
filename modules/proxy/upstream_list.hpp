#pragma once

#include <memory>

#include "sipward/build_context.hpp"
#include "upstream.hpp"

namespace sipward::proxy {

// Adds an upstream to what GET /upstreams of the management API tells of this configuration. Control thread.
void list_upstream(const std::shared_ptr<Upstream>& upstream, BuildContext& context);

}  // namespace sipward::proxy

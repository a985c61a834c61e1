#pragma once

#include <vector>

#include "sipward/metrics.hpp"

namespace sipward::admin {

// What Prometheus's own clients say of their process, under the same names, and sipward_build_info. What the
// system does not tell is left out.
std::vector<MetricFamily> process_metrics();

}  // namespace sipward::admin

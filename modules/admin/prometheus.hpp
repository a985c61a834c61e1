#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sipward/metrics.hpp"

namespace sipward::admin {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

// The families in Prometheus's text format 0.0.4, in the order given.
std::string render_prometheus(const std::vector<MetricFamily>& families);

// A part, for tests: whole numbers without a fraction, others in the shortest form that reads back the same.
void append_number(std::string& out, double number);

}  // namespace sipward::admin

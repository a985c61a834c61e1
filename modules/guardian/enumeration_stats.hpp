#pragma once

#include <boost/json.hpp>

#include "instance.hpp"

namespace sipward::guardian {

// What GET enumeration/stats answers about one instance: detections by reason, sources that are watched, and
// the worst offenders. Any thread.
boost::json::object enumeration_stats(const Instance& instance);

}  // namespace sipward::guardian

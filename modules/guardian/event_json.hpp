#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "events.hpp"

namespace sipward::guardian {

// An event as webhooks and listeners get it: id, event, ip, reason, timestamp, expires_at and details, which
// holds what is not the same for all. `guardian` is the name of the instance.
boost::json::object to_json(const Event& event, const std::string& guardian);

}  // namespace sipward::guardian

#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "ban.hpp"
#include "sipward/clock.hpp"

namespace sipward::guardian {

// RFC 3339 in UTC, to the second.
std::string rfc3339(WallTime time);

// A ban as the admin API shows it; `why` adds the signals and the message that led to it.
boost::json::object to_json(const Ban& ban);
boost::json::object why(const Ban& ban, const Clock& clock);
boost::json::object why(const SoftBlockRecord& record, const Clock& clock);

}  // namespace sipward::guardian

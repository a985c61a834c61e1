#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ban.hpp"
#include "sipward/clock.hpp"

namespace sipward::guardian {

// RFC 3339 in UTC, to the second.
std::string rfc3339(WallTime time);

// With a question mark for each octet that is none of printable ASCII: safe in JSON, logs and terminals.
std::string printable(std::string_view text);

// What spoke against a source, in order.
boost::json::array signals_json(const std::vector<Signal>& signals, const Clock& clock);

// A ban as the admin API shows it; `why` adds the signals and the message that led to it.
boost::json::object to_json(const Ban& ban);
boost::json::object why(const Ban& ban, const Clock& clock);
boost::json::object why(const SoftBlockRecord& record, const Clock& clock);

}  // namespace sipward::guardian

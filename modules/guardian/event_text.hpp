#pragma once

#include <string>
#include <string_view>

#include "events.hpp"

namespace sipward::guardian {

// An event as a line of `ban_log`, without its end, which tools/packaging/fail2ban/sipward.conf reads:
//   TIME sip_guardian[NAME] ban ADDRESS scope=address reason="…" source="…" evidence=proven expires=TIME
// Nothing in it but the reason and source is free text, and these can't leave their quotes or the line.
std::string ban_log_line(std::string_view guardian, const Event& event);

// The same as a JSON object in one line, for `decision_log`.
std::string decision_json(std::string_view guardian, const Event& event);

}  // namespace sipward::guardian

#pragma once

#include <memory>

#include "guardian.hpp"
#include "sipward/http.hpp"

namespace sipward::guardian {

// The admin API of one instance, groups "sip_guardian/NAME" and "management/guardian/NAME": bans, why, ban,
// unban, events, stats, enumeration/stats, validation/stats, whitelist. Runs on the admin thread and reaches
// workers only by posting. What it cannot understand is 400 with {"error"}.
void add_endpoints(BuildContext& context, std::shared_ptr<const Setup> setup);

}  // namespace sipward::guardian

#pragma once

#include <memory>
#include <vector>

#include "instance.hpp"
#include "options.hpp"

namespace sipward::guardian {

// Finds or makes what keeps the instance's decisions as these options say: storage, ban_log, decision_log. It
// begins when its services are started and ends with its last owner. Control thread.
std::vector<std::shared_ptr<Service>> keep_decisions(const Options& options,
                                                     const std::shared_ptr<Instance>& instance,
                                                     BuildContext& context);

}  // namespace sipward::guardian

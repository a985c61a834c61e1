#pragma once

#include <memory>

#include "guardian.hpp"

namespace sipward::guardian {

// Every second on every worker, for as long as the setup lives: what became of open challenges
// (detection.hpp) when no packet comes that would ask. Any thread.
void start_upkeep(const std::shared_ptr<const Setup>& setup, Workers& workers);

}  // namespace sipward::guardian

#pragma once

#include "guardian.hpp"

namespace sipward::guardian {

// Weighs a final answer of the PBX on its way out, once for each transaction (verdicts.hpp), and lets
// sanctions follow. Never holds the answer back. On the packet's worker.
void weigh_answer(const Setup& setup, Shard& shard, Packet& packet);

}  // namespace sipward::guardian

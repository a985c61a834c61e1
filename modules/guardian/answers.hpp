#pragma once

#include "guardian.hpp"

namespace sipward::guardian {

// Weighs a final answer of the PBX on its way out, once for each transaction (verdicts.hpp), and lets
// sanctions follow. On the packet's worker.
void weigh_answer(const Setup& setup, Shard& shard, Packet& packet);

// Over UDP a PBX sends its final answer to an INVITE about ten times until it is acknowledged: so whoever
// proved nothing gets it once, and once more. True when this one is to be held back (RFC 3261 17.2.1).
bool resent_too_often(const Setup& setup, Shard& shard, Packet& packet);

}  // namespace sipward::guardian

// The processor time that a server has used, from outside.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace sipward::bench {

// User and system time, in nanoseconds of resolution, of a process and of all that descend from it.
// Threads that have ended count; children that have ended do not. Throws std::system_error when `pid` is
// gone.
[[nodiscard]] std::chrono::nanoseconds cpu_time_of(pid_t pid);

}  // namespace sipward::bench

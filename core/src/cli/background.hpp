#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

namespace sipward::cli {

// Starts this program once more, in a session of its own and with these words, and returns when it reports
// that it is ready: its process number. Until then what it writes is passed on to standard error; later it is
// lost. 0 when it ended instead, or when it could not be started.
pid_t start_in_background(const std::vector<std::string>& words);

}  // namespace sipward::cli

#pragma once

#include <string>

#include "sipward/config.hpp"

namespace sipward::guardian {

// `storage`: where bans and the history of attacks are kept beyond the process.
struct StorageOptions {
  std::string path;  // of the SQLite file; empty: bans live in memory
};

void read_storage(config::Reader& reader, StorageOptions& options);

}  // namespace sipward::guardian

#include "storage_options.hpp"

#include <cstdint>

namespace sipward::guardian {

void read_storage(config::Reader& reader, StorageOptions& options) {
  enum class Backend : std::uint8_t { sqlite, redis };
  auto backend = Backend::sqlite;
  std::string path, address, password;
  const bool given = reader.block("storage", [&](config::Reader& b) {
    b.one_of("backend", backend, {{"sqlite", Backend::sqlite}, {"redis", Backend::redis}},
             config::Place::argument);
    b.text("path", path);
    b.text("address", address);
    b.text("password", password);
    const bool sqlite = backend == Backend::sqlite;
    b.require(sqlite ? "path" : "address");
    if (sqlite && b.given("path") && path.empty()) b.error("path", "path wants the name of a file");
  });
  if (!given) return;
  if (backend == Backend::redis) {
    reader.errors().not_active(reader.position("storage"), "storage redis");
  } else if (!path.empty()) {
    options.path = path;
  }
}

}  // namespace sipward::guardian

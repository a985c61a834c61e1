#include "log_options.hpp"

namespace sipward::guardian {

void read_logs(config::Reader& reader, LogOptions& options) {
  reader.text("ban_log", options.ban_log);
  reader.block("decision_log", [&](config::Reader& b) {
    b.text("path", options.decision_log, config::Place::argument);
    b.size("roll_size", options.roll_size, config::Place::option, 1024, std::uint64_t{1} << 40);
    b.number("roll_keep", options.roll_keep, 0U, 10'000U);
    b.require("path");
  });
  if (!options.ban_log.empty() && options.ban_log == options.decision_log) {
    reader.error("decision_log", "ban_log and decision_log want two files, not one");
  }
}

}  // namespace sipward::guardian

#include "failed_auth_options.hpp"

namespace sipward::guardian {

void read_failed_auth(config::Reader& reader, FailedAuthOptions& o) {
  o.enabled = reader.block("failed_auth_ban", [&](config::Reader& b) {
    b.number("threshold", o.threshold, 1U, 1'000'000U);
    b.duration("window", o.window);
    b.duration("ban_time", o.ban_time);
    b.number("strong_signal_weight", o.strong_signal_weight, 1U, 1000U);
    b.flag("shadow", o.shadow);
  }) || o.enabled;
}

}  // namespace sipward::guardian

#include "enumeration_options.hpp"

namespace sipward::guardian {

void read_enumeration(config::Reader& reader, EnumerationOptions& o) {
  reader.block("enumeration", [&](config::Reader& b) {
    b.flag("enabled", o.enabled, config::Place::argument);
    b.number("max_extensions", o.max_extensions, 1U, 1'000'000U);
    b.duration("extension_window", o.extension_window);
    b.number("sequential_threshold", o.sequential_threshold, 1U, 1'000'000U);
    b.number("rapid_fire_count", o.rapid_fire_count, 1U, 1'000'000U);
    b.duration("rapid_fire_window", o.rapid_fire_window);
    b.duration("ban_time", o.ban_time);
    b.flag("shadow", o.shadow);
    b.texts("exempt_extensions", o.exempt);
  });
}

}  // namespace sipward::guardian

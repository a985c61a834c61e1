#pragma once

#include "sipward/config.hpp"

namespace sipward::proxy {

enum class SourceMode : std::uint8_t { own, sip, transparent, proxy_protocol };

// What only `source sip` needs.
struct HopOptions {
  Port source_port = 0;  // of the first worker; 0: any
};

void read_hop_options(config::Reader& reader, SourceMode source, HopOptions& options);

}  // namespace sipward::proxy

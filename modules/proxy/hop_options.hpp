#pragma once

#include "sipward/config.hpp"

namespace sipward::proxy {

enum class SourceMode : std::uint8_t { own, sip, transparent, proxy_protocol };

// What only `source sip` needs.
struct HopOptions {
  Port source_port = 0;  // of the first worker; 0: any
};

// Reads `source_port`. Problems go to the reader's errors.
void read_hop_options(config::Reader& reader, SourceMode source, HopOptions& options);

void check_hop_upstream(config::Reader& reader, SourceMode source, const config::UpstreamAddress& address);

}  // namespace sipward::proxy

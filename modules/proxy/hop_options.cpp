#include "hop_options.hpp"

namespace sipward::proxy {

void read_hop_options(config::Reader& reader, SourceMode source, HopOptions& options) {
  unsigned port = options.source_port;
  reader.number("source_port", port, 0, 65535);
  options.source_port = static_cast<Port>(port);
  if (reader.given("source_port") && source != SourceMode::sip)
    reader.errors().add(reader.node().position, "source_port is for `source sip` only");
}

void check_hop_upstream(config::Reader& reader, SourceMode source, const config::UpstreamAddress& address) {
  if (source == SourceMode::sip && address.transport == Transport::tcp)
    reader.errors().not_active(reader.node().position, "a SIP hop to " + address.to_string());
}

}  // namespace sipward::proxy

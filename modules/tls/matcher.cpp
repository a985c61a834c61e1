#include "matcher.hpp"

#include <algorithm>
#include <utility>

#include "client_hello.hpp"
#include "server_name.hpp"
#include "sipward/packet.hpp"
#include "sipward/worker.hpp"

namespace sipward::tls {

TlsMatcher::TlsMatcher(MatcherOptions options) : options_(std::move(options)) {
  for (auto& name : options_.sni) name = lower_case(name);
}

Match TlsMatcher::match(Packet& packet) const {
  const auto transport = packet.transport();
  const auto* info = packet.worker().stream_info(packet.peer());
  if (!info || (transport != Transport::tls && transport != Transport::wss)) return Match::no;
  // What was agreed on may be nothing, whatever was offered.
  const bool fits =
      fits_name(info->server_name) && (info->alpn.empty() || fits_protocols(std::span(&info->alpn, 1)));
  return fits ? Match::yes : Match::no;
}

Match TlsMatcher::match_start(const StreamStart& start) const {
  ClientHello hello;
  switch (ClientHello::read(start.octets, hello)) {
    case ClientHello::Read::none:
      return Match::no;
    case ClientHello::Read::need_more:
      return start.complete ? Match::no : Match::need_more;
    case ClientHello::Read::whole:
      break;
  }
  return fits_name(hello.server_name) && fits_protocols(hello.alpn) ? Match::yes : Match::no;
}

bool TlsMatcher::fits_name(const std::string& name) const {
  const auto names = [&](const std::string& pattern) { return covers(pattern, name); };
  return options_.sni.empty() || std::any_of(options_.sni.begin(), options_.sni.end(), names);
}

bool TlsMatcher::fits_protocols(std::span<const std::string> protocols) const {
  const auto offered = [&](const std::string& protocol) {
    return std::find(protocols.begin(), protocols.end(), protocol) != protocols.end();
  };
  return options_.alpn.empty() || std::any_of(options_.alpn.begin(), options_.alpn.end(), offered);
}

}  // namespace sipward::tls

#include "matcher.hpp"

#include <algorithm>
#include <utility>

#include "client_hello.hpp"
#include "server_name.hpp"
#include "sipward/packet.hpp"

namespace sipward::tls {

TlsMatcher::TlsMatcher(MatcherOptions options) : options_(std::move(options)) {
  for (auto& name : options_.sni) name = lower_case(name);
}

Match TlsMatcher::match(Packet& packet) const {
  return is_stream(packet.transport()) ? Match::yes : Match::no;
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
  const auto names = [&](const std::string& pattern) { return covers(pattern, hello.server_name); };
  const auto offered = [&](const std::string& protocol) {
    return std::find(hello.alpn.begin(), hello.alpn.end(), protocol) != hello.alpn.end();
  };
  const bool fits =
      (options_.sni.empty() || std::any_of(options_.sni.begin(), options_.sni.end(), names)) &&
      (options_.alpn.empty() || std::any_of(options_.alpn.begin(), options_.alpn.end(), offered));
  return fits ? Match::yes : Match::no;
}

}  // namespace sipward::tls

#include "address_matcher.hpp"

#include <algorithm>

#include "sipward/byte_stream.hpp"
#include "sipward/packet.hpp"

namespace sipward::layer4 {
namespace {

// What Caddy means by the word.
constexpr std::string_view kPrivateRanges[] = {"192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8",
                                               "127.0.0.0/8",    "fd00::/8",      "::1"};

bool add_networks(const config::Arg& arg, std::vector<Cidr>& networks) {
  if (arg.text == "private_ranges") {
    for (const auto range : kPrivateRanges) networks.push_back(*Cidr::parse(range));
    return true;
  }
  const auto network = Cidr::parse(arg.text);
  if (network) networks.push_back(*network);
  return network.has_value();
}

}  // namespace

std::vector<Cidr> read_networks(const config::Node& node, config::Errors& errors) {
  std::vector<Cidr> networks;
  config::Reader r(node, errors);
  r.values(
      "networks", "addresses, networks such as 192.0.2.0/24, or private_ranges",
      [&](const config::Arg& arg) { return add_networks(arg, networks); }, config::Place::argument);
  r.require("networks");
  r.finish();
  return networks;
}

bool AddressMatcher::takes(const Endpoint& remote, const Endpoint& local) const {
  const auto& address = side_ == Side::remote ? remote.address : local.address;
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Cidr& network) { return network.contains(address); });
}

bool AddressMatcher::admits(const Source& source) const {
  return takes(source.remote, source.local);
}

Match AddressMatcher::match(Packet& packet) const {
  return takes(packet.peer().remote, packet.peer().local) ? Match::yes : Match::no;
}

Match AddressMatcher::match_start(const StreamStart& start) const {
  return takes(start.info.source.remote, start.info.source.local) ? Match::yes : Match::no;
}

}  // namespace sipward::layer4

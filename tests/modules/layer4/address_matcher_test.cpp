#include "address_matcher.hpp"

#include "matching.hpp"

using namespace sipward;
using namespace sipward::layer4;

namespace {

bool takes(Side side, const std::string& line, const std::string& remote, const std::string& local) {
  const AddressMatcher matcher(side, read_line(line, read_networks));
  const auto info = from(remote, local);
  Peer peer;
  peer.remote = info.source.remote;
  peer.local = info.source.local;
  const bool admitted = matcher.admits(info.source);
  CHECK((matcher.match_start({info, {}}) == Match::yes) == admitted);
  CHECK((match_datagram(matcher, "x", peer) == Match::yes) == admitted);
  return admitted;
}

}  // namespace

TEST_CASE("remote_ip takes what comes from its networks, local_ip what was sent to them") {
  const std::string here = "203.0.113.1:5060";
  CHECK(takes(Side::remote, "remote_ip 192.0.2.0/24 2001:db8::/32", "192.0.2.255:1", here));
  CHECK(takes(Side::remote, "remote_ip 192.0.2.0/24 2001:db8::/32", "[2001:db8::1]:1", here));
  CHECK_FALSE(takes(Side::remote, "remote_ip 192.0.2.0/24 2001:db8::/32", "192.0.3.0:1", here));
  CHECK_FALSE(takes(Side::remote, "remote_ip 192.0.2.0/24", "[2001:db8::1]:1", here));
  CHECK(takes(Side::remote, "remote_ip 198.51.100.7", "198.51.100.7:1", here));
  CHECK(takes(Side::local, "local_ip 203.0.113.1", "198.51.100.7:1", here));
  CHECK_FALSE(takes(Side::local, "local_ip 198.51.100.7", "198.51.100.7:1", here));
}

TEST_CASE("an IPv4 address is the same one when it came by an IPv6 socket") {
  CHECK(takes(Side::remote, "remote_ip 192.0.2.0/24", "[::ffff:192.0.2.1]:1", "203.0.113.1:5060"));
}

TEST_CASE("private_ranges are the ranges that Caddy means") {
  for (const char* address : {"10.255.0.1:1", "172.16.0.1:1", "172.31.255.255:1", "192.168.1.1:1",
                              "127.9.9.9:1", "[fd12::1]:1", "[::1]:1"}) {
    INFO(address);
    CHECK(takes(Side::remote, "remote_ip private_ranges", address, "203.0.113.1:5060"));
  }
  for (const char* address : {"172.32.0.1:1", "100.64.0.1:1", "9.9.9.9:1", "[fe80::1]:1", "[::2]:1"}) {
    INFO(address);
    CHECK_FALSE(takes(Side::remote, "remote_ip private_ranges", address, "203.0.113.1:5060"));
  }
}

TEST_CASE("what is no network is an error") {
  for (const char* line : {"remote_ip", "remote_ip pbx.example.com", "remote_ip 192.0.2.0/33",
                           "remote_ip 192.0.2.1 private", "remote_ip 192.0.2.1 {\n ports 5060\n}"}) {
    INFO(line);
    CHECK_FALSE(faults(line, read_networks).empty());
  }
}

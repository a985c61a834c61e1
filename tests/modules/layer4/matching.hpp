#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "sipward/byte_stream.hpp"
#include "sipward/config.hpp"
#include "sipward/packet.hpp"
#include "sipward/testing/fake_clock.hpp"
#include "sipward/testing/fake_worker.hpp"

namespace sipward::layer4 {

// What `read` makes of that line of a Sipfile, which must be right.
template <class Read>
auto read_line(const std::string& line, Read read) {
  config::Errors errors;
  const auto nodes = config::parse_text("Sipfile", line, {}, errors);
  REQUIRE(nodes.size() == 1);
  auto options = read(nodes[0], errors);
  INFO(errors.to_string());
  REQUIRE(errors.ok());
  return options;
}

// The errors that it gives.
template <class Read>
std::string faults(const std::string& line, Read read) {
  config::Errors errors;
  const auto nodes = config::parse_text("Sipfile", line, {}, errors);
  REQUIRE(nodes.size() == 1);
  read(nodes[0], errors);
  return errors.ok() ? std::string() : errors.to_string();
}

inline StreamInfo from(const std::string& remote, const std::string& local) {
  StreamInfo info;
  info.source = {*Endpoint::parse(remote), *Endpoint::parse(local), Transport::tcp};
  return info;
}

inline Match match_datagram(const Matcher& matcher, const std::string& octets, const Peer& peer = {}) {
  test::FakeClock clock;
  test::FakeWorker worker(clock);
  Packet packet(worker, Direction::inbound);
  packet.assign(peer, octets);
  return matcher.match(packet);
}

}  // namespace sipward::layer4

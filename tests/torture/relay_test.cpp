#include "relay.hpp"

#include <catch2/catch.hpp>
#include <iostream>

#include "table.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

const char* const kModes[] = {"strict", "permissive", "paranoid"};

// The outcomes of the three modes, or the one that they share.
std::string joined(const std::string (&outcomes)[3]) {
  if (outcomes[0] == outcomes[1] && outcomes[1] == outcomes[2]) return outcomes[0];
  return outcomes[0] + " | " + outcomes[1] + " | " + outcomes[2];
}

struct Outcomes {
  std::string unproven, proven, tcp;
};

Outcomes outcomes_of(const TortureRow& row, Relay (&relays)[3]) {
  const std::string octets = read_torture(row.file);
  std::string unproven[3], proven[3], tcp[3];
  for (int mode = 0; mode < 3; ++mode) {
    INFO(row.file << " in " << kModes[mode] << " mode");
    unproven[mode] = row.only_stream() ? "-" : relays[mode].datagram(octets, false);
    proven[mode] = row.only_stream() ? "-" : relays[mode].datagram(octets, true);
    tcp[mode] = relays[mode].stream(octets);
  }
  return {joined(unproven), joined(proven), joined(tcp)};
}

}  // namespace

TEST_CASE("every torture message is relayed byte for byte or kept out, as its table says") {
  Relay relays[] = {Relay(kModes[0]), Relay(kModes[1]), Relay(kModes[2])};
  for (const TortureRow& row : torture_rows()) {
    INFO(row.file);
    const Outcomes found = outcomes_of(row, relays);
    CHECK(found.unproven == row.unproven);
    CHECK(found.proven == row.proven);
    CHECK(found.tcp == row.tcp);
  }
}

TEST_CASE("the relay columns of the torture table, as they are found", "[.][print]") {
  Relay relays[] = {Relay(kModes[0]), Relay(kModes[1]), Relay(kModes[2])};
  for (const TortureRow& row : torture_rows()) {
    const Outcomes found = outcomes_of(row, relays);
    std::cout << row.file << '\t' << found.unproven << '\t' << found.proven << '\t' << found.tcp << '\n';
  }
}

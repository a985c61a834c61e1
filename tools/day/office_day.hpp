#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// A day of honest SIP traffic between phones and a PBX, made up: offices behind one address each and phones
// at home, over UDP and TCP. They register and refresh, call, are called, hold, cancel, misdial, subscribe,
// answer pings, type wrong passwords and then right ones; packets get lost and are sent again, NATs change
// ports, the power fails in an office, and the PBX restarts. Knows nothing of who carries the messages.
namespace sipward::day {

// Where a phone's packets come from, as seen from outside its NAT.
struct Flow {
  std::string remote;  // 198.51.100.1:5060
  bool tcp = false;
  std::uint64_t connection = 0;  // of TCP; never used twice
};

// Who carries the messages, and keeps the time.
class Wire {
 public:
  virtual ~Wire() = default;
  // So much later than the call before.
  virtual void advance(std::chrono::milliseconds by) = 0;
  // False when the message was not passed on.
  virtual bool to_pbx(const Flow& flow, const std::string& octets) = 0;
  virtual bool to_phone(const Flow& flow, const std::string& octets) = 0;
};

struct Options {
  std::chrono::hours length{24};  // from midnight on
  double loss = 0.01;             // of packets over UDP, either way
  std::uint32_t seed = 1;
};

struct Report {
  std::size_t messages = 0;           // that were given to the wire
  std::size_t registrations = 0;      // accepted
  std::size_t calls = 0;              // answered
  std::size_t refused_passwords = 0;  // wrong ones
  std::size_t lost = 0;               // packets that got lost, before or behind the wire
  std::vector<std::string>
      dropped;  // what the wire did not pass on: when, who, and the message; the first few
  std::size_t dropped_in_all = 0;
};

// 200 phones. Takes as long as the wire takes.
Report run(Wire& wire, const Options& options);

}  // namespace sipward::day

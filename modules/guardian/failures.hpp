#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ban.hpp"
#include "bounded_table.hpp"
#include "window.hpp"

namespace sipward::guardian {

// What happened lately, kept to explain a decision: the last few, in order.
struct SignalLog {
  static constexpr std::size_t kKept = 8;
  std::array<Signal, kKept> signals;
  std::uint32_t seen = 0;

  void add(const Signal& signal) { signals[seen++ % kKept] = signal; }
  std::vector<Signal> list() const;
};

// Proven failures, counted per address (IPv6: its /64) and per address and user, within the sliding
// find_time. Only the owner of an address can add to its counts. Bounded (kAddresses, kPairs): the one that
// failed longest ago gives way, inside a neighbourhood that nobody can choose. Belongs to one worker.
class Failures {
 public:
  static constexpr std::size_t kAddresses = 8'192;
  static constexpr std::size_t kPairs = 16'384;
  // How long a user who authenticated counts as known from there.
  static constexpr auto kAuthenticatedFor = std::chrono::hours(1);

  Failures() : Failures(kAddresses, kPairs) {}
  Failures(std::size_t addresses, std::size_t pairs) : addresses_(addresses), pairs_(pairs) {}

  // A source by its address, the keyed hash of it, and a user's keyed hash (0: none).
  struct Who {
    Address host;
    std::uint64_t key = 0;
    std::uint64_t user = 0;
  };
  struct Tally {
    std::uint32_t address = 0;  // failures of the address, this one included
    std::uint32_t pair = 0;     // failures of the address with this user
    std::size_t users = 0;      // different users that failed, at most kUsers
  };
  static constexpr std::size_t kUsers = 3;

  // Counts a failure of signal.weight.
  Tally add(const Who& who, const Signal& signal, Duration find_time, Time now);
  // The user authenticated: takes his failures back, and only his; he is known from there from now on.
  void succeed(const Who& who, Duration find_time, Time now);
  bool authenticated(const Who& who, Time now);
  // How often within find_time the pair used a nonce that was never sent there, this time included.
  std::uint32_t unknown_nonce(const Who& who, Duration find_time, Time now);
  // How many stale nonces in a row, this one included.
  std::uint32_t stale(const Who& who, Duration find_time, Time now);

  std::vector<Signal> signals(std::uint64_t key, Time now);
  std::uint32_t count(std::uint64_t key, Duration find_time, Time now);  // of the address
  // Starts the counts of an address anew, after a ban was made of them.
  void settle(const Who& who);
  void forget(const Cidr& prefix);

 private:
  struct Source {
    Time expires{};
    Address host;
    Window window;
    std::array<std::uint64_t, kUsers> users{};
    SignalLog log;
  };
  struct Pair {
    Time expires{};
    Time authenticated{};  // until then
    Address host;
    Window window;
    Window unknown_nonces;
    std::uint16_t stale_run = 0;
  };
  Pair& pair(const Who& who, Duration find_time, Time now);

  BoundedTable<Source> addresses_;
  BoundedTable<Pair> pairs_;
};

}  // namespace sipward::guardian

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "bounded_table.hpp"
#include "extension.hpp"
#include "sipward/net.hpp"
#include "sipward/sources.hpp"
#include "sipward/zeroed_array.hpp"

namespace sipward::guardian {

// Challenges of the PBX that nobody has answered yet. A client answers within a moment; who asks for a user
// and leaves it at the challenge wanted to know about that user. Bounded: beyond it the oldest are forgotten.
// No allocation after construction. Belongs to one worker.
class OpenChallenges {
 public:
  // Places of all workers together.
  static constexpr std::size_t kPlaces = 32'768;
  // Open for so long it is a guess, and for so long a failure to authenticate.
  static constexpr auto kGuess = std::chrono::seconds(5);
  static constexpr auto kFailure = std::chrono::seconds(30);

  struct Challenge {
    Time at{};
    std::uint64_t key = 0;
    Endpoint remote;
    Proof proof = Proof::none;  // of the request
    sip::Method method{};
    std::uint16_t status = 0;
    Extension target, caller;  // who was asked for; who asked, when that is another
    std::uint64_t user = 0;    // keyed hash of the acting user, as Sources::hash
  };

  explicit OpenChallenges(std::size_t places) : open_(places), ring_(places), places_(places) {}

  // A challenge went out; one that is open already goes on. `challenge.key` is the keyed hash of source, user
  // and target.
  void open(const Challenge& challenge, Time now);
  // Credentials came.
  void answered(std::uint64_t key) { open_.erase(key); }
  // The source showed that it is who it says it is.
  void prove(std::uint64_t key, Proof proof, Time now);
  bool empty() const { return failure_ == end_; }

  // Calls guess(Challenge) for what was open for kGuess and failure(Challenge) for what was for kFailure,
  // each once; at most kAtOnce in one call.
  template <class Guess, class Failure>
  void due(Time now, Guess&& guess, Failure&& failure) {
    unsigned left = kAtOnce;
    for (; guess_ != end_ && left != 0 && at(guess_).at + kGuess <= now; ++guess_, --left) {
      Challenge challenge = at(guess_);
      if (still_open(challenge, now)) guess(challenge);
    }
    for (; failure_ != guess_ && left != 0 && at(failure_).at + kFailure <= now; ++failure_, --left) {
      Challenge challenge = at(failure_);
      if (!still_open(challenge, now)) continue;
      open_.erase(challenge.key);
      failure(challenge);
    }
  }
  std::size_t octets() const { return open_.octets() + ring_.octets(); }

 private:
  static constexpr unsigned kAtOnce = 32;
  // How long a challenge is looked for: until due() must have seen it, also when few packets come.
  static constexpr auto kRemembered = std::chrono::hours(1);

  struct Open {
    Time expires{};
    Time at{};
    Proof proof = Proof::none;
  };
  Challenge& at(std::uint64_t number) const { return ring_[number % places_]; }
  bool still_open(Challenge& challenge, Time now) {
    const auto* open = open_.find(challenge.key, now);
    if (!open || open->at != challenge.at) return false;
    challenge.proof = open->proof;
    return true;
  }

  BoundedTable<Open> open_;
  ZeroedArray<Challenge> ring_;
  std::size_t places_;
  std::uint64_t end_ = 0;      // the next to be written
  std::uint64_t guess_ = 0;    // the next to be a guess
  std::uint64_t failure_ = 0;  // the next to be a failure; at most guess_
};

}  // namespace sipward::guardian

#include "open_challenges.hpp"

#include <algorithm>

namespace sipward::guardian {

void OpenChallenges::open(const Challenge& challenge, Time now) {
  auto& open = open_.at(challenge.key, now);
  if (open.expires != Time{}) return;
  open = {now + kRemembered, now, challenge.proof};
  if (end_ - failure_ == places_) {
    ++failure_;
    guess_ = std::max(guess_, failure_);
  }
  auto& place = at(end_++);
  place = challenge;
  place.at = now;
}

void OpenChallenges::prove(std::uint64_t key, Proof proof, Time now) {
  if (auto* open = open_.find(key, now)) open->proof = proof;
}

}  // namespace sipward::guardian

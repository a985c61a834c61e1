#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "metrics.hpp"
#include "sipward/net.hpp"
#include "validation.hpp"

namespace sipward::guardian {

// Who did something most often, in a fixed number of places: whoever is not among them takes the place, and
// the count, of the one with the least (space-saving), so that a count is never too small and who is really
// busy is always there. Belongs to one worker.
class TopList {
 public:
  static constexpr std::size_t kPlaces = 32;
  struct Entry {
    Address host;
    std::uint64_t count = 0;
  };

  void add(const Address& host) {
    auto* least = &places_[0];
    for (auto& place : places_) {
      if (place.count != 0 && place.host == host) return void(++place.count);
      if (place.count < least->count) least = &place;
    }
    least->host = host;
    ++least->count;
  }
  void forget(const Cidr& prefix) {
    for (auto& place : places_) {
      if (place.count != 0 && prefix.contains(place.host)) place = {};
    }
  }
  const std::array<Entry, kPlaces>& places() const { return places_; }

 private:
  std::array<Entry, kPlaces> places_;
};

// What validation found in what one worker read, for one instance. The numbers may be read by anybody.
class ValidationTally {
 public:
  void result(ValidationResult result) { add(results_[static_cast<std::size_t>(result)]); }
  void violation(validation::Rule rule) { add(rules_[static_cast<std::size_t>(rule)]); }
  std::uint64_t results(std::size_t result) const { return results_[result].load(std::memory_order_relaxed); }
  std::uint64_t violations(std::size_t rule) const { return rules_[rule].load(std::memory_order_relaxed); }

  TopList offenders;  // of the worker alone

 private:
  static void add(std::atomic<std::uint64_t>& value) {
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, kValidationResults> results_{};
  std::array<std::atomic<std::uint64_t>, validation::kRuleNames.size()> rules_{};
};

}  // namespace sipward::guardian

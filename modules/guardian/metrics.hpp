#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ban.hpp"
#include "sipward/metrics.hpp"

namespace sipward::guardian {

// What was done about something; with a Reason the labels of sip_guardian_decisions_total.
enum class Action : std::uint8_t {
  drop,
  reject,  // dropped and answered
  count,   // one failure or strike more
  ban,
  soft_block,
  spared,  // would have been banned or soft-blocked, but is protected, or past the limit of automatic bans
  would_drop,  // shadow
  would_ban,
  delay,  // let through, but its stream is not read for a while
};
inline constexpr std::size_t kActions = 9;
std::string_view to_string(Action action);

// Why an answer of the PBX could not be weighed.
enum class Unjudged : std::uint8_t { no_transaction, unreadable, no_user };

enum class ValidationResult : std::uint8_t { valid, rejected, banned, logged };
inline constexpr std::size_t kValidationResults = 4;
std::string_view to_string(ValidationResult result);

// Every metric of the module, by the README's names; process-wide, so two instances add up. With
// `metrics { enabled false }` it is left default-constructed and counts nothing. Counting is for the worker
// whose index is given.
struct GuardianMetrics {
  Counter requests;       // by method
  Counter blocked;        // by reason
  Counter rate_limited;   // by method
  Counter enumeration;    // by reason
  Counter violations;     // by rule
  Counter validation;     // by result
  Counter geoip_blocked;  // by GeoRules::labels()
  Counter decisions;      // by action and reason
  Counter unjudged;       // by reason
  Histogram message_size;
  Histogram decision_time;  // nanoseconds, of one packet in kSampled
  Counter kernel_errors;    // nothing counts it yet

  // Reading the clock for every packet would cost more than some decisions.
  static constexpr std::uint32_t kSampled = 256;

  // `rules` are the names of the rules of validation, in the order in which they are counted.
  static GuardianMetrics declare(Metrics& metrics, std::span<const std::string_view> rules);

  void decision(std::size_t worker, Action action, Reason reason) const {
    decisions.add(worker, static_cast<std::size_t>(action) * kReasons + static_cast<std::size_t>(reason));
  }
};

// What GET stats shows, for one instance. One per worker; written by it, read by anybody.
class Tally {
 public:
  enum Field : std::uint8_t {
    requests,
    blocked,
    rate_limited,
    validation_failures,
    enumeration_detections,
    count_threshold,  // and so many of each reason
    sequential_pattern,
    rapid_fire,
    bans,
    soft_blocks,
    failures,
    kFields
  };
  void add(Field field) {
    auto& value = values_[field];
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  std::uint64_t get(Field field) const { return values_[field].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, kFields> values_{};
};

}  // namespace sipward::guardian

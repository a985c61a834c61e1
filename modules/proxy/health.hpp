#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "sipward/clock.hpp"
#include "target.hpp"

namespace sipward::proxy {

enum class CheckMethod : std::uint8_t { sip_options, tcp };

// How it is asked whether upstreams live.
struct CheckOptions {
  std::chrono::milliseconds interval{std::chrono::seconds(30)};
  std::chrono::milliseconds timeout{std::chrono::seconds(5)};
  CheckMethod method = CheckMethod::sip_options;
  unsigned fall = 1;  // failures in a row until it is down
  unsigned rise = 1;  // successes in a row until it is up again
  friend auto operator<=>(const CheckOptions&, const CheckOptions&) = default;
};

// When the first check begins, and how long after one result the next: `random` spreads those that were made
// together, over a second at most for the first, over a tenth of the interval either way for the others.
Duration first_check(const CheckOptions& options, std::uint32_t random);
Duration next_check(const CheckOptions& options, std::uint32_t random);

// What checks found of one target. Up until they say otherwise. Safe to call from any thread, but for note().
class Check {
 public:
  Check(std::shared_ptr<Target> target, const CheckOptions& options)
      : target_(std::move(target)), options_(options) {}

  ~Check();
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  bool up() const { return up_.load(std::memory_order_relaxed); }
  Target& target() const { return *target_; }
  const CheckOptions& options() const { return options_; }
  // What came of the last check: "" before the first, "answered", or why it failed.
  std::string last_result() const;

  // A check is over. True when that makes it up or down. On one thread.
  bool note(bool alive, std::string_view result, Time now);

 private:
  const std::shared_ptr<Target> target_;
  const CheckOptions options_;
  std::atomic<bool> up_{true};
  unsigned in_a_row_ = 0;  // results that speak against `up_`
  mutable std::mutex mutex_;
  std::string result_;
};

// An OPTIONS of ours (RFC 3261 11), outside any dialog.
struct Question {
  Transport transport = Transport::udp;
  Endpoint from, to;
  std::uint64_t id = 0;  // chance; told back by the answer

  std::string text() const;
  // Whether the message is a final answer to it, whatever it says: who refuses is alive.
  bool answered_by(std::string_view octets) const;
};

}  // namespace sipward::proxy

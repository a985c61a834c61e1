#pragma once

#include <span>
#include <string_view>

#include "ban.hpp"
#include "metrics.hpp"
#include "options.hpp"
#include "scanner_patterns.hpp"
#include "sipward/packet.hpp"
#include "validation.hpp"
#include "validation_tally.hpp"

namespace sipward::guardian {

// What the guardian found in a message by itself, and what follows from it.
struct Finding {
  Reason reason = Reason::none;
  bool block = false;    // do not let it through
  bool counts = false;   // it weighs against its sender
  bool at_once = false;  // enough for a ban
  bool critical = false;
  bool shadow = false;  // only say what would have been done
  int status = 0;       // what to answer whoever may get an answer; 0: silence
  std::string_view phrase;
  std::string_view extra;  // header lines of the answer
};

// The two checks that read the message itself, set up from the options once: validation.hpp by the mode, and
// scanner_patterns.hpp. Immutable; safe on every worker.
class Checks {
 public:
  explicit Checks(const Options& options);
  static std::span<const std::string_view> rules();  // label values, in the order of counting

  // Both count what they find. Parse as much of the message as they need.
  Finding validate(Packet& packet, const GuardianMetrics& metrics, ValidationTally& tally) const;
  Finding scan(Packet& packet) const;

 private:
  bool oversized(const Packet& packet) const;
  Finding too_big(Packet& packet, const GuardianMetrics& metrics, ValidationTally& tally) const;

  validation::Options validation_;
  ScannerPatterns patterns_;
  bool validation_shadow_;
  bool scanner_shadow_;
};

}  // namespace sipward::guardian

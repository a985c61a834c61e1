#include "metrics.hpp"

#include <string>
#include <string_view>

#include "geoip.hpp"
#include "sipward/sip/header.hpp"

namespace sipward::guardian {
namespace {

std::vector<std::string_view> method_labels() {
  std::vector<std::string_view> labels;
  for (std::size_t i = 0; i < sip::kMethods; ++i)
    labels.push_back(sip::to_string(static_cast<sip::Method>(i)));
  return labels;
}

std::vector<std::string_view> reason_labels() {
  std::vector<std::string_view> labels;
  for (std::size_t i = 0; i < kReasons; ++i) labels.push_back(to_string(static_cast<Reason>(i)));
  return labels;
}

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::drop:
      return "drop";
    case Action::reject:
      return "reject";
    case Action::count:
      return "count";
    case Action::ban:
      return "ban";
    case Action::soft_block:
      return "soft_block";
    case Action::spared:
      return "spared";
    case Action::would_drop:
      return "would_drop";
    case Action::would_ban:
      return "would_ban";
    case Action::delay:
      return "delay";
  }
  return "drop";
}

std::string_view to_string(ValidationResult result) {
  switch (result) {
    case ValidationResult::valid:
      return "valid";
    case ValidationResult::rejected:
      return "rejected";
    case ValidationResult::banned:
      return "banned";
    case ValidationResult::logged:
      break;
  }
  return "logged";
}

GuardianMetrics GuardianMetrics::declare(Metrics& metrics, std::span<const std::string_view> rules) {
  static constexpr std::string_view kEnumeration[] = {"count_threshold", "sequential_pattern", "rapid_fire"};
  std::vector<std::string_view> results;
  for (std::size_t i = 0; i < kValidationResults; ++i)
    results.push_back(to_string(static_cast<ValidationResult>(i)));
  static constexpr std::string_view kUnjudged[] = {"no_transaction", "unreadable", "no_user"};
  const auto methods = method_labels();
  const auto reasons = reason_labels();
  std::vector<std::string> both;
  for (std::size_t action = 0; action < kActions; ++action) {
    for (const auto reason : reasons) {
      both.push_back(std::string(to_string(static_cast<Action>(action))) + "," + std::string(reason));
    }
  }
  const std::vector<std::string_view> decisions(both.begin(), both.end());

  GuardianMetrics m;
  m.requests = metrics.counter("sip_guardian_requests_total", "SIP requests read, whatever became of them.",
                               "method", methods);
  m.blocked =
      metrics.counter("sip_guardian_blocked_total", "Packets that were not let through.", "reason", reasons);
  m.rate_limited =
      metrics.counter("sip_guardian_rate_limited_total", "Requests over a rate.", "method", methods);
  m.enumeration = metrics.counter("sip_guardian_enumeration_detections_total",
                                  "Sources found to probe for extensions.", "reason", kEnumeration);
  m.violations = metrics.counter("sip_guardian_validation_violations_total",
                                 "Rules of validation that were broken.", "rule", rules);
  m.validation = metrics.counter("sip_guardian_validation_results_total", "Messages by what validation said.",
                                 "result", results);
  m.geoip_blocked = metrics.counter("sip_guardian_geoip_blocked_total",
                                    "Packets and connections refused by country or network.", "country",
                                    GeoRules::labels());
  m.decisions = metrics.counter("sip_guardian_decisions_total", "What was done about what.", "action,reason",
                                decisions);
  m.unjudged = metrics.counter("sip_guardian_unjudged_total", "Answers of the PBX that could not be weighed.",
                               "reason", kUnjudged);
  m.message_size = metrics.histogram("sip_guardian_message_size_bytes", "Sizes of SIP messages from clients.",
                                     {256, 512, 1024, 1500, 2048, 4096, 8192, 16384, 32768, 65535});
  m.decision_time = metrics.histogram(
      "sip_guardian_decision_seconds", "How long deciding about a message took, of one message in 256.",
      {250, 500, 1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000, 128'000, 256'000, 1'000'000, 10'000'000},
      1'000'000'000);
  m.kernel_errors =
      metrics.counter("sip_guardian_ban_kernel_errors_total", "Bans that the kernel could not be told of.");
  return m;
}

}  // namespace sipward::guardian

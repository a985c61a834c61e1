#include "checks.hpp"

#include <utility>

#include "sipward/worker.hpp"

namespace sipward::guardian {
namespace {

Reason reason_of(validation::Rule rule) {
  if (rule == validation::Rule::null_bytes) return Reason::null_bytes;
  if (rule == validation::Rule::binary_injection) return Reason::binary_injection;
  return Reason::validation;
}

ValidationResult result_of(const validation::Outcome& outcome) {
  switch (outcome.action) {
    case validation::Action::pass:
      return outcome.violated.empty() ? ValidationResult::valid : ValidationResult::logged;
    case validation::Action::ban:
      return ValidationResult::banned;
    default:
      return ValidationResult::rejected;
  }
}

validation::Options validation_options(const Options& options) {
  validation::Options out;
  out.mode = options.validation_mode;
  out.ban_on_null_bytes = options.ban_on_null_bytes;
  out.ban_on_binary_injection = options.ban_on_binary_injection;
  out.limits.message = options.max_message_size;
  for (const auto& name : options.disabled_rules) {
    if (validation::Rule rule{}; validation::parse_rule(name, rule)) out.disabled.add(rule);
  }
  return out;
}

// What validation says of one message goes to the metrics of the process and the tally of the instance.
class Counting {
 public:
  Counting(const Packet& packet, const GuardianMetrics& metrics, ValidationTally& tally)
      : worker_(packet.worker().index()), packet_(packet), metrics_(metrics), tally_(tally) {}
  void result(ValidationResult result) {
    metrics_.validation.add(worker_, static_cast<std::size_t>(result));
    tally_.result(result);
  }
  void violation(validation::Rule rule) {
    metrics_.violations.add(worker_, static_cast<std::size_t>(rule));
    tally_.violation(rule);
    if (std::exchange(blamed_, true)) return;
    tally_.offenders.add(source_of(packet_.peer().remote.address));
  }

 private:
  const std::size_t worker_;
  const Packet& packet_;
  const GuardianMetrics& metrics_;
  ValidationTally& tally_;
  bool blamed_ = false;
};

}  // namespace

Checks::Checks(const Options& options)
    : validation_(validation_options(options)),
      patterns_(options.scanner_agents),
      validation_shadow_(options.validation_shadow),
      scanner_shadow_(options.scanner_shadow) {}

std::span<const std::string_view> Checks::rules() {
  return validation::kRuleNames;
}

// The parser knows the limits of the protocol; a smaller max_message_size is ours alone.
bool Checks::oversized(const Packet& packet) const {
  return packet.octets().size() > validation_.limits.message &&
         !validation_.disabled.has(validation::Rule::oversized_message);
}

Finding Checks::too_big(Packet& packet, const GuardianMetrics& metrics, ValidationTally& tally) const {
  Counting counting(packet, metrics, tally);
  counting.result(ValidationResult::rejected);
  counting.violation(validation::Rule::oversized_message);
  Finding finding;
  finding.reason = Reason::validation;
  finding.block = true;
  finding.counts = validation_.mode != validation::Mode::permissive;
  finding.status = validation_.mode == validation::Mode::paranoid ? 0 : 513;
  finding.shadow = validation_shadow_;
  return finding;
}

Finding Checks::validate(Packet& packet, const GuardianMetrics& metrics, ValidationTally& tally) const {
  validation::Context context;
  context.transport = packet.transport();
  if (validation_.mode == validation::Mode::paranoid) {
    context.trusted = packet.standing().evidence == Evidence::trusted;
  }
  if (oversized(packet)) return too_big(packet, metrics, tally);
  const auto outcome = validation::validate(packet.sip(), context, validation_);
  Counting counting(packet, metrics, tally);
  counting.result(result_of(outcome));
  outcome.violated.for_each([&](validation::Rule rule) { counting.violation(rule); });

  Finding finding;
  if (outcome.violated.empty()) return finding;
  finding.reason = reason_of(outcome.reason);
  finding.block = outcome.action != validation::Action::pass;
  finding.at_once = outcome.action == validation::Action::ban;
  finding.counts = outcome.counts || finding.at_once;
  finding.critical = outcome.severity == validation::Severity::critical;
  finding.status = outcome.action == validation::Action::reject ? outcome.status : 0;
  finding.shadow = validation_shadow_;
  return finding;
}

Finding Checks::scan(Packet& packet) const {
  Finding finding;
  if (!patterns_.matches(packet.sip())) return finding;
  finding.reason = Reason::scanner;
  finding.block = finding.counts = finding.at_once = true;
  finding.shadow = scanner_shadow_;
  return finding;
}

}  // namespace sipward::guardian

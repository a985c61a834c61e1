#include "checks.hpp"

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

Finding Checks::too_big(std::size_t worker, const GuardianMetrics& metrics) const {
  metrics.validation.add(worker, static_cast<std::size_t>(ValidationResult::rejected));
  metrics.violations.add(worker, static_cast<std::size_t>(validation::Rule::oversized_message));
  Finding finding;
  finding.reason = Reason::validation;
  finding.block = true;
  finding.counts = validation_.mode != validation::Mode::permissive;
  finding.status = validation_.mode == validation::Mode::paranoid ? 0 : 513;
  finding.shadow = validation_shadow_;
  return finding;
}

Finding Checks::validate(Packet& packet, const GuardianMetrics& metrics) const {
  validation::Context context;
  context.transport = packet.transport();
  if (validation_.mode == validation::Mode::paranoid) {
    context.trusted = packet.standing().evidence != Evidence::unproven;
  }
  const std::size_t worker = packet.worker().index();
  if (oversized(packet)) return too_big(worker, metrics);
  const auto outcome = validation::validate(packet.sip(), context, validation_);
  metrics.validation.add(worker, static_cast<std::size_t>(result_of(outcome)));
  outcome.violated.for_each(
      [&](validation::Rule rule) { metrics.violations.add(worker, static_cast<std::size_t>(rule)); });

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

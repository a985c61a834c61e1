#include "sanity_check.hpp"

#include "sipward/known_dialog.hpp"
#include "sipward/packet.hpp"
#include "sipward/worker.hpp"

namespace sipward::guardian {

using validation::Mode;

SanityCheck::SanityCheck(const config::Node& node, config::Errors& errors) {
  options_.mode = Mode::strict;
  std::vector<std::string> disabled;
  config::Reader r(node, errors);
  r.one_of("mode", options_.mode,
           {{"permissive", Mode::permissive}, {"strict", Mode::strict}, {"paranoid", Mode::paranoid}});
  r.words("disabled_rules", disabled, validation::kRuleNames);
  r.finish();
  for (const auto& name : disabled)
    if (validation::Rule rule{}; validation::parse_rule(name, rule)) options_.disabled.add(rule);
}

void SanityCheck::provision(BuildContext& context) {
  passed_ = context.metrics.counter("sip_sanity_check_passed_total", "Requests that sanity_check let pass.");
  dropped_ = context.metrics.counter("sip_sanity_check_dropped_total",
                                     "Requests that sanity_check dropped, by the rule that they broke.",
                                     "rule", validation::kRuleNames);
}

Verdict SanityCheck::on_inbound(Packet& packet) const {
  if (packet.is_keep_alive()) return Verdict::next;
  auto& message = packet.sip();
  if (message.kind() == sip::Kind::response) return Verdict::next;
  const auto worker = packet.worker().index();
  if (message.kind() == sip::Kind::request && in_known_dialog(packet)) {
    passed_.add(worker);
    return Verdict::next;
  }
  validation::Context context;
  context.transport = packet.transport();
  context.trusted = packet.standing().evidence != Evidence::unproven;
  const auto outcome = validation::validate(message, context, options_);
  if (outcome.action == validation::Action::pass) {
    passed_.add(worker);
    return Verdict::next;
  }
  dropped_.add(worker, static_cast<std::size_t>(outcome.reason));
  return Verdict::drop;
}

std::unique_ptr<Handler> make_sanity_check(const config::Node& node, CreateContext& context) {
  return std::make_unique<SanityCheck>(node, context.errors);
}

}  // namespace sipward::guardian

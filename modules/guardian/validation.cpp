#include "validation.hpp"

#include <algorithm>

#include "validation_checks.hpp"

namespace sipward::guardian::validation {

namespace {

using sip::Kind;
using sip::Method;

// Whether an answer to this request could be built and would be understood.
bool can_answer(sip::Message& m) {
  return m.kind() == Kind::request && m.method() != Method::ack && m.via().sent_by_ok &&
         !m.call_id().empty() && m.count(sip::HeaderId::cseq) != 0 && m.count(sip::HeaderId::from) != 0 &&
         m.count(sip::HeaderId::to) != 0;
}

bool bans(Rule rule, const Options& o) {
  if (rule == Rule::null_bytes) return o.ban_on_null_bytes;
  return rule != Rule::binary_injection || o.ban_on_binary_injection;
}

void reject_or_drop(sip::Message& m, const Finding& f, Outcome& out) {
  const bool answer = !f.effect.silent && can_answer(m);
  out.action = answer ? Action::reject : Action::drop;
  if (answer) out.status = f.effect.status;
}

void act(sip::Message& m, const Findings& findings, const Options& o, Outcome& out) {
  const Finding& worst = findings.worst();
  out.severity = worst.severity;
  out.reason = worst.rule;
  out.violated = findings.violated();
  if (worst.severity == Severity::critical) {
    const bool ban = bans(worst.rule, o);
    out.action = ban ? Action::ban : Action::drop;
    out.counts = true;
    return;
  }
  const bool response = m.kind() == Kind::response;
  if (o.mode == Mode::permissive) {
    if (const Finding* stop = findings.impassable()) {
      out.reason = stop->rule;
      reject_or_drop(m, *stop, out);
    } else {
      out.normalise = findings.normalise();
    }
    return;
  }
  if (worst.severity < Severity::medium) return;
  out.counts = worst.severity == Severity::high && !response;
  const bool silent = o.mode == Mode::paranoid && !worst.effect.polite;
  if (silent) {
    out.action = Action::drop;
  } else {
    reject_or_drop(m, worst, out);
  }
}

}  // namespace

bool parse_rule(std::string_view name, Rule& rule) {
  const auto* const at = std::find(kRuleNames.begin(), kRuleNames.end(), name);
  if (at == kRuleNames.end()) return false;
  rule = static_cast<Rule>(at - kRuleNames.begin());
  return true;
}

void Findings::add(Rule rule, Severity severity, Effect effect) {
  if (disabled_.has(rule) && !effect.framing) return;
  violated_.add(rule);
  if (severity > worst_.severity) worst_ = {rule, severity, effect};
  if (effect.normalise) normalise_ = true;
  const bool stops = effect.impassable && (severity >= Severity::medium);
  if (stops && (impassable_.severity == Severity::none || severity > impassable_.severity)) {
    impassable_ = {rule, severity, effect};
  }
}

Outcome validate(sip::Message& message, const Context& context, const Options& options) {
  Findings findings(options.disabled);
  const Subject subject{message, context, options};
  check_octets(subject, findings);
  if (message.kind() == Kind::not_sip) {
    findings.add(Rule::malformed_start_line, Severity::high, {.silent = true, .impassable = true});
  } else {
    check_framing(subject, findings);
    check_start_line(subject, findings);
    check_required(subject, findings);
    check_addresses(subject, findings);
    check_lists(subject, findings);
  }
  Outcome out;
  if (options.mode == Mode::paranoid && message.kind() == Kind::request) {
    check_edges(subject, findings);
    if (!context.trusted) {
      out.score = score(subject);
      if (out.score >= options.score_threshold) {
        findings.add(Rule::heuristics, Severity::high, {.silent = true});
      }
    }
  }
  if (!findings.violated().empty()) act(message, findings, options, out);
  return out;
}

}  // namespace sipward::guardian::validation

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/net.hpp"
#include "sipward/sip/message.hpp"

// Judges SIP messages by a closed list of rules. Pure: nothing is counted, banned or sent here. Safe to call
// from any thread with messages of its own.
namespace sipward::guardian::validation {

enum class Mode : std::uint8_t {
  permissive,  // blocks what is critical or cannot be passed on at all; notes the rest
  strict,      // rejects and counts by severity
  paranoid,    // as strict, in silence, and scores what phones do not do
};

// A relay passes messages on octet by octet; a hop edits them (Via, Max-Forwards, the start line) and so may
// tolerate more, and answers 416, 420 and 483 itself.
enum class Forwarding : std::uint8_t { relay, hop };

enum class Severity : std::uint8_t { none, info, medium, high, critical };

enum class Rule : std::uint8_t {
  null_bytes,
  binary_injection,
  bare_lf,
  bare_cr,
  malformed_start_line,
  malformed_header,
  missing_via,
  missing_from,
  missing_to,
  missing_call_id,
  missing_cseq,
  missing_max_forwards,
  max_forwards_zero,
  content_length_mismatch,
  oversized_message,
  invalid_request_uri,
  via_invalid_branch,
  via_transport_mismatch,
  cseq_method_mismatch,
  invalid_cseq,
  duplicate_header,
  duplicate_tag,
  missing_from_tag,
  malformed_contact,
  missing_contact,
  bad_display_name,
  unsupported_proxy_require,
  escaped_control,
  too_many_headers,
  too_many_vias,
  too_many_routes,
  too_many_contacts,
  too_many_parameters,
  invalid_utf8,
  heuristics,  // the score of paranoid mode
};

// What a Sipfile and the metrics call them; the index is the Rule.
inline constexpr std::array<std::string_view, 35> kRuleNames = {"null_bytes",
                                                                "binary_injection",
                                                                "bare_lf",
                                                                "bare_cr",
                                                                "malformed_start_line",
                                                                "malformed_header",
                                                                "missing_via",
                                                                "missing_from",
                                                                "missing_to",
                                                                "missing_call_id",
                                                                "missing_cseq",
                                                                "missing_max_forwards",
                                                                "max_forwards_zero",
                                                                "content_length_mismatch",
                                                                "oversized_message",
                                                                "invalid_request_uri",
                                                                "via_invalid_branch",
                                                                "via_transport_mismatch",
                                                                "cseq_method_mismatch",
                                                                "invalid_cseq",
                                                                "duplicate_header",
                                                                "duplicate_tag",
                                                                "missing_from_tag",
                                                                "malformed_contact",
                                                                "missing_contact",
                                                                "bad_display_name",
                                                                "unsupported_proxy_require",
                                                                "escaped_control",
                                                                "too_many_headers",
                                                                "too_many_vias",
                                                                "too_many_routes",
                                                                "too_many_contacts",
                                                                "too_many_parameters",
                                                                "invalid_utf8",
                                                                "heuristics"};
inline constexpr std::size_t kRules = kRuleNames.size();
static_assert(static_cast<std::size_t>(Rule::heuristics) + 1 == kRules);

constexpr std::string_view to_string(Rule rule) {
  return kRuleNames[static_cast<std::size_t>(rule)];
}
// False when there is no such rule.
bool parse_rule(std::string_view name, Rule& rule);

class RuleSet {
 public:
  constexpr void add(Rule rule) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(rule); }
  constexpr bool has(Rule rule) const { return (bits_ >> static_cast<unsigned>(rule) & 1) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::uint64_t left = bits_; left != 0; left &= left - 1) {
      visit(static_cast<Rule>(__builtin_ctzll(left)));
    }
  }
  friend constexpr bool operator==(RuleSet, RuleSet) = default;

 private:
  std::uint64_t bits_ = 0;
};

struct Options {
  Mode mode = Mode::permissive;
  Forwarding forwarding = Forwarding::relay;
  bool ban_on_null_bytes = true;        // false: still blocked, counted instead
  bool ban_on_binary_injection = true;  // likewise
  RuleSet disabled{};                   // what framing needs is judged all the same
  sip::Limits limits{};                 // limits.message is max_message_size
  // Options of Proxy-Require that a hop understands; without case.
  std::vector<std::string> proxy_require = {"privacy", "sec-agree", "gin", "199", "early-session"};
  int score_threshold = 5;
};

// What is known of a message besides its octets.
struct Context {
  Transport transport = Transport::udp;
  bool trusted = false;         // registered or authenticated: never scored
  std::string_view own_host{};  // the listener's address as it would be written in a URI; empty: not compared
};

enum class Action : std::uint8_t {
  pass,
  reject,  // answer Outcome::status to a source that may get answers, else silence
  drop,    // silence
  ban,     // silence, and a ban if the evidence proves its source
};

struct Outcome {
  Action action = Action::pass;
  Severity severity = Severity::none;  // the worst found
  Rule reason = Rule::null_bytes;  // the first of that severity, or what made the message impassable; valid
                                   // unless violated is empty
  std::uint16_t status = 0;        // of a reject
  std::uint16_t score = 0;         // paranoid mode
  bool counts = false;             // weighs one failure, however many rules were violated
  bool normalise =
      false;  // passed although only a corrected copy is right: a hop corrects it, a relay sends it as it is
  RuleSet violated;
};

// `message` was parsed with options.limits. Responses and ACKs are never rejected, only dropped, and
// responses count against nobody, save what is critical.
Outcome validate(sip::Message& message, const Context& context, const Options& options);

// For a 420: the line "Unsupported: a, b\r\n" (RFC 3261 8.2.2.3); "" when every option is known.
std::string unsupported_line(const sip::Message& message, const Options& options);

}  // namespace sipward::guardian::validation

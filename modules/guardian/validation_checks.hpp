#pragma once

#include <cstdint>

#include "validation.hpp"

// The parts of validate(), each about one region of a message.
namespace sipward::guardian::validation {

// What a violated rule asks for, besides its severity.
struct Effect {
  std::uint16_t status = 400;
  bool silent = false;      // never answered
  bool polite = false;      // answered even in paranoid mode
  bool impassable = false;  // not even permissive mode can pass it on
  bool framing = false;     // cannot be disabled
  bool normalise = false;   // passed on only as a corrected copy
};

struct Finding {
  Rule rule = Rule::null_bytes;
  Severity severity = Severity::none;
  Effect effect;
};

class Findings {
 public:
  explicit Findings(RuleSet disabled) : disabled_(disabled) {}
  void add(Rule rule, Severity severity, Effect effect = {});

  const RuleSet& violated() const { return violated_; }
  const Finding& worst() const { return worst_; }  // the first of the worst severity
  const Finding* impassable() const {
    return impassable_.severity == Severity::none ? nullptr : &impassable_;
  }
  bool normalise() const { return normalise_; }

 private:
  RuleSet disabled_;
  RuleSet violated_;
  Finding worst_;
  Finding impassable_;
  bool normalise_ = false;
};

struct Subject {
  sip::Message& message;
  const Context& context;
  const Options& options;

  bool is_request() const { return message.kind() == sip::Kind::request; }
  bool is_hop() const { return options.forwarding == Forwarding::hop; }
};

void check_octets(const Subject& s, Findings& f);      // NUL, control octets, UTF-8
void check_framing(const Subject& s, Findings& f);     // line ends, Content-Length, sizes, header lines
void check_start_line(const Subject& s, Findings& f);  // start line and Request-URI
void check_required(const Subject& s, Findings& f);    // the headers every message has, duplicates, numbers
void check_addresses(const Subject& s, Findings& f);   // Via, From, To
void check_lists(const Subject& s, Findings& f);       // Contact, routes, Proxy-Require

// Paranoid mode: legal forms that no phone of today sends, and the score of the others.
void check_edges(const Subject& s, Findings& f);
std::uint16_t score(const Subject& s);

}  // namespace sipward::guardian::validation

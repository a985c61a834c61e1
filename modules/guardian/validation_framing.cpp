#include <algorithm>

#include "validation_checks.hpp"

namespace sipward::guardian::validation {

namespace {

using sip::Defect;

void check_uri_scheme(const Subject& s, const sip::Uri& uri, Findings& f) {
  constexpr std::string_view kService = "service:";
  const bool service = uri.scheme == sip::Scheme::urn && uri.opaque.size() > kService.size() &&
                       sip::iequals(uri.opaque.substr(0, kService.size()), kService);
  if (uri.scheme == sip::Scheme::other || (uri.scheme == sip::Scheme::urn && !service)) {
    // Which schemes are served is for the element to say that routes by them.
    f.add(Rule::invalid_request_uri, s.is_hop() ? Severity::medium : Severity::info,
          {.status = 416, .impassable = true});
  }
}

void check_request_uri(const Subject& s, Findings& f) {
  const sip::Uri& uri = s.message.uri();
  if (uri.text.size() > s.options.limits.uri) {
    f.add(Rule::oversized_message, Severity::high, {.status = 414, .impassable = true});
  }
  if (!uri.ok) {
    f.add(Rule::invalid_request_uri, Severity::medium, {.impassable = true});
  } else {
    check_uri_scheme(s, uri, f);
    if (uri.headers.data() != nullptr) {  // never to be sent on (RFC 3261 19.1.5)
      f.add(Rule::invalid_request_uri, Severity::medium, {.impassable = !s.is_hop(), .normalise = true});
    }
  }
  if (uri.escaped_crlf) f.add(Rule::escaped_control, Severity::medium);
}

void check_content_length(sip::Defects d, Findings& f) {
  constexpr Effect kFraming = {.impassable = true, .framing = true};
  if (d.has(Defect::content_length_duplicate)) f.add(Rule::duplicate_header, Severity::high, kFraming);
  if (d.any_of({Defect::content_length_syntax, Defect::content_length_missing, Defect::body_short})) {
    f.add(Rule::content_length_mismatch, Severity::high, kFraming);
  }
}

// Two readers of one stream must not differ about where a message ends.
bool is_raw_stream(const Subject& s) {
  return s.message.framing() == sip::Framing::stream && s.options.forwarding == Forwarding::relay;
}

void check_line_ends(const Subject& s, sip::Defects d, Findings& f) {
  if (d.has(Defect::bare_lf)) {
    f.add(Rule::bare_lf, Severity::high, {.impassable = is_raw_stream(s), .normalise = true});
  }
  if (d.has(Defect::bare_cr)) f.add(Rule::bare_cr, Severity::high, {.silent = true, .impassable = true});
}

void check_header_lines(const Subject& s, sip::Defects d, Findings& f) {
  if (d.any_of({Defect::no_colon, Defect::bad_header_name, Defect::fold_first})) {
    f.add(Rule::malformed_header, Severity::high,
          {.impassable = is_raw_stream(s) || d.has(Defect::fold_first)});
  }
  if (d.has(Defect::unterminated_line)) {
    f.add(Rule::malformed_header, Severity::medium, {.impassable = true, .framing = true});
  }
  if (d.any_of({Defect::blank_fold, Defect::no_end_of_headers})) {
    f.add(Rule::malformed_header, Severity::medium, {.normalise = true});
  }
}

void check_sizes(sip::Defects d, Findings& f) {
  if (d.any_of({Defect::message_too_long, Defect::head_too_long, Defect::header_too_long,
                Defect::start_line_too_long})) {
    f.add(Rule::oversized_message, Severity::high, {.status = 513, .impassable = true});
  }
  if (d.has(Defect::too_many_headers)) {
    f.add(Rule::too_many_headers, Severity::high, {.impassable = true, .framing = true});
  }
}

}  // namespace

void check_framing(const Subject& s, Findings& f) {
  const sip::Defects d = s.message.defects();
  if (d.none()) return;
  check_line_ends(s, d, f);
  check_header_lines(s, d, f);
  check_content_length(d, f);
  check_sizes(d, f);
}

void check_start_line(const Subject& s, Findings& f) {
  const sip::Defects d = s.message.defects();
  if (d.has(Defect::bad_version)) {
    f.add(Rule::malformed_start_line, Severity::medium, {.status = 505, .impassable = true});
  }
  if (d.has(Defect::start_line_spaces)) {
    f.add(Rule::malformed_start_line, Severity::medium, {.normalise = true});
  }
  if (d.any_of({Defect::bad_status, Defect::method_too_long})) {
    f.add(Rule::malformed_start_line, Severity::medium, {.impassable = true});
  }
  if (d.has(Defect::no_reason_space)) f.add(Rule::malformed_start_line, Severity::medium);
  if (s.is_request()) check_request_uri(s, f);
}

}  // namespace sipward::guardian::validation

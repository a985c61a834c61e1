#include <algorithm>

#include "validation_checks.hpp"

namespace sipward::guardian::validation {

namespace {

using sip::Defect;
using sip::Header;
using sip::HeaderId;

// Noise with a NUL in it is noise; a request line with one is an attack.
bool looks_like_sip(std::string_view line) {
  constexpr std::string_view kVersion = "SIP/2.0";
  return line.size() >= kVersion.size() &&
         (sip::iequals(line.substr(0, kVersion.size()), kVersion) ||
          sip::iequals(line.substr(line.size() - kVersion.size()), kVersion));
}

bool is_text_type(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; \t\r\n"));
  for (std::string_view text : {"application/sdp", "application/xml", "application/json",
                                "application/dtmf-relay", "application/simple-message-summary"}) {
    if (sip::iequals(type, text)) return true;
  }
  constexpr std::string_view kText = "text/";
  constexpr std::string_view kXml = "+xml";
  return sip::iequals(type.substr(0, kText.size()), kText) ||
         (type.size() > kXml.size() && sip::iequals(type.substr(type.size() - kXml.size()), kXml));
}

bool nul_in_text_body(const sip::Message& m) {
  return !m.body().empty() && m.body().find('\0') != std::string_view::npos &&
         m.count(HeaderId::content_encoding) == 0 && is_text_type(m.value(HeaderId::content_type));
}

// Headers whose value is text for people, in whatever code page their PBX was set up with.
bool is_free_text(HeaderId id) {
  switch (id) {
    case HeaderId::other:
    case HeaderId::subject:
    case HeaderId::reason:
    case HeaderId::organization:
    case HeaderId::warning:
    case HeaderId::retry_after:
      return true;
    default:
      return false;
  }
}

bool has_display_name(HeaderId id) {
  switch (id) {
    case HeaderId::from:
    case HeaderId::to:
    case HeaderId::contact:
    case HeaderId::route:
    case HeaderId::record_route:
    case HeaderId::path:
    case HeaderId::service_route:
    case HeaderId::refer_to:
    case HeaderId::referred_by:
    case HeaderId::reply_to:
    case HeaderId::diversion:
    case HeaderId::history_info:
    case HeaderId::p_asserted_identity:
    case HeaderId::p_preferred_identity:
    case HeaderId::p_associated_uri:
    case HeaderId::remote_party_id:
      return true;
    default:
      return false;
  }
}

std::size_t quoted_end(std::string_view text, std::size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\') ++i;
  }
  return std::min(i + 1, text.size());
}

// True when what is neither quoted, nor a display name, nor a comment is UTF-8.
bool structure_is_utf8(const Header& h) {
  const std::string_view v = h.value;
  const bool comments = h.id == HeaderId::user_agent || h.id == HeaderId::server;
  std::size_t from = 0;
  if (has_display_name(h.id)) {
    const std::size_t open = v.find('<');
    if (open != std::string_view::npos) from = open;
    if (!v.empty() && v.front() == '"') {
      const std::size_t name_end = quoted_end(v, 0);
      from = std::max(from == open ? v.find('<', name_end) : from, name_end);
      from = std::min(from, v.size());
    }
  }
  while (from < v.size()) {
    std::size_t end = from;
    while (end < v.size() && v[end] != '"' && !(comments && v[end] == '(')) ++end;
    if (!sip::is_utf8(v.substr(from, end - from))) return false;
    if (end == v.size()) break;
    from = v[end] == '"' ? quoted_end(v, end) : std::min(v.find(')', end), v.size());
  }
  return true;
}

void check_text(const Subject& s, Findings& f) {
  const sip::Message& m = s.message;
  if (!sip::is_utf8(m.start_line())) {
    const bool phrase_only = m.kind() == sip::Kind::response;
    f.add(phrase_only ? Rule::invalid_utf8 : Rule::binary_injection,
          phrase_only ? Severity::info : Severity::critical);
  }
  for (const Header& h : m.headers()) {
    if (!h.non_ascii || sip::is_utf8(h.value)) continue;
    if (is_free_text(h.id) || structure_is_utf8(h)) {
      f.add(Rule::invalid_utf8, Severity::info);
    } else {
      f.add(Rule::binary_injection, Severity::critical);
    }
  }
}

}  // namespace

void check_octets(const Subject& s, Findings& f) {
  const sip::Message& m = s.message;
  const bool sip_like = m.kind() != sip::Kind::not_sip || looks_like_sip(m.start_line());
  if (sip_like && (m.defects().has(Defect::nul_in_head) || nul_in_text_body(m))) {
    f.add(Rule::null_bytes, Severity::critical);
  }
  if (sip_like && m.defects().has(Defect::control_in_head)) {
    f.add(Rule::binary_injection, Severity::critical);
  }
  if (m.non_ascii() && m.kind() != sip::Kind::not_sip) check_text(s, f);
}

}  // namespace sipward::guardian::validation

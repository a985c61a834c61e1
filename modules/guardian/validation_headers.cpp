#include <algorithm>
#include <array>

#include "validation_checks.hpp"

namespace sipward::guardian::validation {

namespace {

using sip::HeaderId;
using sip::Method;
using sip::NameAddr;

constexpr Effect kImpassable = {.impassable = true};

void check_missing(const sip::Message& m, HeaderId id, Rule rule, Findings& f) {
  if (m.value(id).empty()) f.add(rule, Severity::high, kImpassable);
}

void check_duplicates(const sip::Message& m, Findings& f) {
  for (HeaderId id : {HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq, HeaderId::max_forwards,
                      HeaderId::content_type, HeaderId::event, HeaderId::refer_to, HeaderId::replaces,
                      HeaderId::rack, HeaderId::session_expires}) {
    if (m.count(id) > 1) f.add(Rule::duplicate_header, Severity::high, kImpassable);
  }
  for (HeaderId id : {HeaderId::user_agent, HeaderId::expires, HeaderId::subject, HeaderId::date}) {
    if (m.count(id) > 1) f.add(Rule::duplicate_header, Severity::info);
  }
  const std::string_view type = m.value(HeaderId::content_type);
  if (type.find(',') == std::string_view::npos) return;
  sip::ListReader types(type);
  std::string_view one;
  if (types.next(one) && types.next(one)) f.add(Rule::duplicate_header, Severity::high, kImpassable);
}

void check_cseq(const Subject& s, Findings& f) {
  sip::Message& m = s.message;
  if (m.value(HeaderId::cseq).empty()) return;
  if (!m.cseq().ok) f.add(Rule::invalid_cseq, Severity::high, kImpassable);
  if (s.is_request() && m.cseq().ok && m.cseq().method_name != m.method_name()) {
    f.add(Rule::cseq_method_mismatch, Severity::high, kImpassable);
  }
}

void check_max_forwards(const Subject& s, Findings& f) {
  const sip::Message& m = s.message;
  if (!s.is_request()) return;
  if (m.count(HeaderId::max_forwards) == 0) {
    f.add(Rule::missing_max_forwards, Severity::info);
    return;
  }
  const auto hops = m.max_forwards();
  if (!hops) {
    f.add(Rule::malformed_header, Severity::high);
  } else if (*hops == 0) {
    f.add(Rule::max_forwards_zero, s.is_hop() ? Severity::medium : Severity::info,
          {.status = 483, .polite = true, .impassable = true});
  }
}

// A quote that never ends could swallow what the next reader takes for another parameter.
bool quotes_close(std::string_view value) {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') quoted = !quoted;
    if (quoted && value[i] == '\\') ++i;
  }
  return !quoted;
}

std::string_view transport_name(Transport transport) {
  switch (transport) {
    case Transport::udp:
      return "UDP";
    case Transport::tcp:
      return "TCP";
    case Transport::tls:
      return "TLS";
    case Transport::ws:
      return "WS";
    case Transport::wss:
      return "WSS";
  }
  return "UDP";
}

void check_via(const Subject& s, Findings& f) {
  sip::Message& m = s.message;
  if (m.count(HeaderId::via) == 0) {
    f.add(Rule::missing_via, Severity::high, {.silent = true, .impassable = true});
    return;
  }
  const sip::Via& top = m.via();
  std::size_t vias = 0;
  bool ok = true;
  m.for_each(HeaderId::via, [&](const sip::Header& h) {
    const bool first = vias == 0;
    if (first && top.value.size() == h.value.size()) {
      ++vias;
      ok = ok && top.ok;
      return;
    }
    sip::ListReader list(h.value);
    std::string_view one;
    while (vias <= s.options.limits.vias && list.next(one)) {
      ++vias;
      ok = ok && sip::parse_via(one).ok;
    }
    ok = ok && list.ok();
  });
  if (!ok) f.add(Rule::malformed_header, Severity::high);
  if (vias > s.options.limits.vias) f.add(Rule::too_many_vias, Severity::high, kImpassable);
  if (!s.is_request()) return;
  if (!top.has_cookie()) {
    f.add(Rule::via_invalid_branch, Severity::info);
  } else if (top.branch.size() == std::string_view("z9hG4bK").size()) {
    f.add(Rule::via_invalid_branch, Severity::medium, {.polite = true});
  }
  if (top.ok && !sip::iequals(top.transport, transport_name(s.context.transport))) {
    f.add(Rule::via_transport_mismatch, Severity::info);
  }
}

void check_escapes(const NameAddr& a, Findings& f) {
  if (a.uri.find('%') != std::string_view::npos && sip::parse_uri(a.uri).escaped_crlf) {
    f.add(Rule::escaped_control, Severity::medium);
  }
}

// What From, To, Contact and routes have in common. `form` is what a bad addr-spec violates.
void check_name_addr(const NameAddr& a, const sip::Limits& limits, Rule form, Findings& f) {
  if (a.unbalanced) f.add(Rule::malformed_header, Severity::high, kImpassable);
  if (a.empty_parameter || a.junk) f.add(Rule::malformed_header, Severity::high);
  if (a.uri.empty()) f.add(form, Severity::medium);
  if (a.inner_space || a.bare_special) f.add(form, Severity::medium);
  if (a.bad_display) f.add(Rule::bad_display_name, Severity::medium);
  if (a.odd_display) f.add(Rule::bad_display_name, Severity::info);
  if (a.too_many_parameters) f.add(Rule::too_many_parameters, Severity::high, kImpassable);
  if (a.uri.size() > limits.uri || a.display.size() > limits.display_name) {
    f.add(Rule::oversized_message, Severity::high, {.status = 513, .impassable = true});
  }
  check_escapes(a, f);
}

void check_party(const NameAddr& a, const sip::Limits& limits, Findings& f) {
  if (a.value.empty()) return;
  if (a.ok && !a.odd_display && a.value.size() <= limits.display_name) return check_escapes(a, f);
  check_name_addr(a, limits, Rule::malformed_header, f);
  if (a.list) f.add(Rule::duplicate_header, Severity::high, kImpassable);
  if (a.duplicate_tag) f.add(Rule::duplicate_tag, Severity::high, kImpassable);
  if (a.star) f.add(Rule::malformed_header, Severity::high);
}

void check_contacts(const Subject& s, Findings& f) {
  sip::Message& m = s.message;
  if (m.count(HeaderId::contact) == 0) {
    const bool wanted =
        m.method() == Method::invite || m.method() == Method::subscribe || m.method() == Method::refer;
    if (s.is_request() && wanted) f.add(Rule::missing_contact, Severity::info);
    return;
  }
  sip::ValueReader contacts(m, HeaderId::contact);
  std::string_view one;
  std::size_t number = 0;
  while (contacts.next(one)) {
    if (++number > s.options.limits.contacts) {
      f.add(Rule::too_many_contacts, Severity::high, kImpassable);
      return;
    }
    const NameAddr contact = sip::parse_name_addr(one);
    if (contact.star) {
      const bool legal = m.method() == Method::register_ && m.expires() == 0U;
      if (s.is_request() && !legal) f.add(Rule::malformed_contact, Severity::medium);
      continue;
    }
    if (contact.ok && !contact.odd_display && contact.value.size() <= s.options.limits.display_name) {
      check_escapes(contact, f);
    } else {
      check_name_addr(contact, s.options.limits, Rule::malformed_contact, f);
    }
  }
  if (!contacts.ok()) f.add(Rule::malformed_header, Severity::high);
}

void check_routes(const Subject& s, HeaderId id, Findings& f) {
  if (s.message.count(id) == 0) return;
  sip::ValueReader routes(s.message, id);
  std::string_view one;
  std::size_t number = 0;
  while (routes.next(one)) {
    if (++number > s.options.limits.routes) {
      f.add(Rule::too_many_routes, Severity::high, kImpassable);
      return;
    }
    const NameAddr route = sip::parse_name_addr(one);
    if (!route.ok) check_name_addr(route, s.options.limits, Rule::malformed_header, f);
  }
  if (!routes.ok()) f.add(Rule::malformed_header, Severity::high);
}

bool is_known(const Options& options, std::string_view option) {
  return std::any_of(options.proxy_require.begin(), options.proxy_require.end(),
                     [option](const std::string& known) { return sip::iequals(known, option); });
}

}  // namespace

void check_required(const Subject& s, Findings& f) {
  const sip::Message& m = s.message;
  check_missing(m, HeaderId::from, Rule::missing_from, f);
  check_missing(m, HeaderId::to, Rule::missing_to, f);
  check_missing(m, HeaderId::call_id, Rule::missing_call_id, f);
  check_missing(m, HeaderId::cseq, Rule::missing_cseq, f);
  check_duplicates(m, f);
  check_cseq(s, f);
  check_max_forwards(s, f);
  if (m.call_id().size() > s.options.limits.call_id) {
    f.add(Rule::oversized_message, Severity::high, {.status = 513, .impassable = true});
  }
  for (HeaderId id : {HeaderId::authorization, HeaderId::proxy_authorization}) {
    m.for_each(id, [&f](const sip::Header& h) {
      if (!quotes_close(h.value)) f.add(Rule::malformed_header, Severity::high, kImpassable);
    });
  }
}

void check_addresses(const Subject& s, Findings& f) {
  check_via(s, f);
  check_party(s.message.from(), s.options.limits, f);
  check_party(s.message.to(), s.options.limits, f);
  const NameAddr& from = s.message.from();
  if (!from.value.empty() && from.tag.empty()) f.add(Rule::missing_from_tag, Severity::info);
}

void check_lists(const Subject& s, Findings& f) {
  check_contacts(s, f);
  for (HeaderId id : {HeaderId::route, HeaderId::record_route, HeaderId::path, HeaderId::service_route}) {
    check_routes(s, id, f);
  }
  if (!s.is_hop() || !s.is_request() || s.message.count(HeaderId::proxy_require) == 0) return;
  if (!unsupported_line(s.message, s.options).empty()) {
    f.add(Rule::unsupported_proxy_require, Severity::medium, {.status = 420, .polite = true});
  }
}

std::string unsupported_line(const sip::Message& message, const Options& options) {
  std::string line;
  sip::ValueReader required(message, HeaderId::proxy_require);
  std::string_view option;
  while (required.next(option)) {
    if (!sip::is_token(option) || is_known(options, option)) continue;
    line.append(line.empty() ? "Unsupported: " : ", ").append(option);
  }
  if (!line.empty()) line.append("\r\n");
  return line;
}

}  // namespace sipward::guardian::validation

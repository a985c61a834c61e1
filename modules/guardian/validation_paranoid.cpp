#include <algorithm>
#include <array>
#include <optional>

#include "validation_checks.hpp"

namespace sipward::guardian::validation {

namespace {

using sip::HeaderId;
using sip::Method;
using sip::Scheme;
using sip::Uri;

constexpr Effect kPolite = {.polite = true};

bool is_phone_scheme(Scheme scheme) {
  return scheme == Scheme::sip || scheme == Scheme::sips || scheme == Scheme::tel || scheme == Scheme::urn;
}

bool three_colons(std::string_view host) {
  return host.find(":::") != std::string_view::npos;
}

// A place where nobody can be called back.
bool is_nowhere(std::string_view host, std::string_view own) {
  if (host.empty()) return false;
  if (host == "1.1.1.1" || (!own.empty() && sip::iequals(host, own))) return true;
  const auto address = Address::parse(host);
  if (!address) return false;
  if (address->is_unspecified()) return true;
  if (address->is_v4()) return address->v4_value() >= 0xE0000000;  // multicast, reserved, broadcast
  return address->octets()[0] == 0xFF;
}

// Quotes with words of SQL, a climb up the tree, a script: what is typed into users to hurt whoever logs
// them.
bool is_injection(std::string_view user) {
  const auto has = [user](std::string_view part) {
    return std::search(user.begin(), user.end(), part.begin(), part.end(),
                       [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; }) != user.end();
  };
  if (has("../") || has("<script") || has("%3cscript")) return true;
  const bool quote = has("'") || has("\"") || has("%27") || has("%22");
  return quote && (has("select") || has("union") || has("insert") || has("drop") || has("or%20") ||
                   has("or+") || has("=") || has("--"));
}

std::optional<Uri> first_contact(const sip::Message& m) {
  sip::ValueReader contacts(m, HeaderId::contact);
  std::string_view one;
  if (!contacts.next(one)) return std::nullopt;
  const sip::NameAddr contact = sip::parse_name_addr(one);
  return contact.star ? std::nullopt : std::optional(sip::parse_uri(contact.uri));
}

}  // namespace

void check_edges(const Subject& s, Findings& f) {
  sip::Message& m = s.message;
  const auto check = [&f](const Uri& uri) {
    if (uri.escaped_nul) f.add(Rule::escaped_control, Severity::medium, kPolite);
    if (uri.scheme != Scheme::none && !is_phone_scheme(uri.scheme)) {
      f.add(Rule::malformed_header, Severity::medium, kPolite);
    }
    if (three_colons(uri.host)) f.add(Rule::malformed_header, Severity::medium, kPolite);
  };
  if (m.uri().escaped_nul) f.add(Rule::escaped_control, Severity::medium, kPolite);
  if (three_colons(m.uri().host)) f.add(Rule::invalid_request_uri, Severity::medium, kPolite);
  check(sip::parse_uri(m.from().uri));
  check(sip::parse_uri(m.to().uri));
  sip::ValueReader contacts(m, HeaderId::contact);
  std::string_view one;
  for (std::size_t n = 0; n < s.options.limits.contacts && contacts.next(one); ++n) {
    const sip::NameAddr contact = sip::parse_name_addr(one);
    if (contact.star) continue;
    const Uri uri = sip::parse_uri(contact.uri);
    check(uri);
    if (contact.brackets && uri.headers.data() != nullptr) {
      f.add(Rule::malformed_contact, Severity::medium, kPolite);
    }
  }
  if (three_colons(m.via().host) || three_colons(m.via().received)) {
    f.add(Rule::malformed_header, Severity::medium, kPolite);
  }
  if (m.from().tag.empty() && !m.via().has_cookie()) f.add(Rule::missing_from_tag, Severity::medium, kPolite);
}

std::uint16_t score(const Subject& s) {
  sip::Message& m = s.message;
  unsigned points = 0;
  const Uri from = sip::parse_uri(m.from().uri);
  const Uri to = sip::parse_uri(m.to().uri);
  const auto contact = first_contact(m);
  const Method method = m.method();
  const bool self = method == Method::invite || method == Method::options || method == Method::subscribe;
  if (self && from.ok && sip::equivalent(from, to)) points += 3;
  if (is_nowhere(m.via().host, s.context.own_host) ||
      (contact && is_nowhere(contact->host, s.context.own_host))) {
    points += 3;
  }
  if (m.uri().escaped_nul || from.escaped_nul || to.escaped_nul) points += 2;
  if (m.from().tag.empty() && !m.via().has_cookie()) points += 2;
  if (method == Method::invite && !contact) points += 2;
  if (is_injection(m.uri().user) || is_injection(from.user) || is_injection(to.user)) points += 2;
  if (method == Method::register_) {
    if (m.count(HeaderId::user_agent) == 0) points += 1;
    if (m.body().empty() && m.value(HeaderId::accept) == "application/sdp") points += 1;
  }
  return static_cast<std::uint16_t>(points);
}

}  // namespace sipward::guardian::validation

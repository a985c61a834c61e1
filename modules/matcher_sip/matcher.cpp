#include "matcher.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "sipward/packet.hpp"

namespace sipward::matcher_sip {
namespace {

using sip::Method;

// What calls need besides INVITE, and what is lost without it.
struct Need {
  std::string_view lost;
  std::array<Method, 3> methods;
};
constexpr Need kNeeds[] = {
    {"calls can't be set up or ended", {Method::ack, Method::bye, Method::cancel}},
    {"early media and session timers fail", {Method::prack, Method::update, Method::update}},
    {"transfers fail", {Method::refer, Method::notify, Method::notify}},
};

bool any_of(const std::vector<Pattern>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& p) { return p.matches(text); });
}

bool any_of(const std::vector<AddressPattern>& patterns, const sip::NameAddr& address) {
  const sip::Uri uri = sip::parse_uri(address.uri);
  std::array<char, 256> buffer;
  const std::string_view user = sip::normalise_user(uri.user, buffer, uri.scheme);
  return std::any_of(patterns.begin(), patterns.end(), [&](const AddressPattern& p) {
    return p.user.matches(user) && p.host.matches(uri.host);
  });
}

}  // namespace

void SipMatcher::validate(config::Errors& errors) const {
  if (options_.all_methods || !options_.has(Method::invite)) return;
  std::string missing, lost;
  for (const Need& need : kNeeds) {
    bool complete = true;
    for (auto m = need.methods.begin(); m != need.methods.end(); ++m) {
      if (options_.has(*m) || std::find(need.methods.begin(), m, *m) != m) continue;
      complete = false;
      missing += (missing.empty() ? "" : " ") + std::string(sip::to_string(*m));
    }
    if (!complete) lost += (lost.empty() ? "" : ", ") + std::string(need.lost);
  }
  if (missing.empty()) return;
  errors.warn(options_.methods_position,
              "methods has INVITE but not " + missing + ": " + lost + " unless another route takes them");
}

Match SipMatcher::match(Packet& packet) const {
  if (packet.is_keep_alive()) return Match::yes;
  sip::Message& message = packet.sip();
  switch (message.kind()) {
    case sip::Kind::response:
      return Match::yes;
    case sip::Kind::request:
      return takes(message) ? Match::yes : Match::no;
    case sip::Kind::not_sip:
      break;
  }
  return Match::no;
}

bool SipMatcher::takes(sip::Message& request) const {
  const Options& o = options_;
  const auto named = [&](const std::string& name) { return name == request.method_name(); };
  if (!o.has(request.method()) && std::none_of(o.more_methods.begin(), o.more_methods.end(), named))
    return false;
  if (!o.host.empty() && !any_of(o.host, request.uri().host)) return false;
  if (!o.from.empty() && !any_of(o.from, request.from())) return false;
  if (!o.to.empty() && !any_of(o.to, request.to())) return false;
  return o.user_agent.empty() || any_of(o.user_agent, request.value(sip::HeaderId::user_agent));
}

}  // namespace sipward::matcher_sip

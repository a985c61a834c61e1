#include "users.hpp"

#include <array>

#include "sipward/sip/uri.hpp"
#include "sipward/sip/values.hpp"

namespace sipward::guardian {

std::string_view acting_user_text(sip::Message& message, sip::Method method) {
  const auto& party = method == sip::Method::register_ ? message.to() : message.from();
  return party.uri.empty() ? std::string_view() : sip::parse_uri(party.uri).user;
}

std::uint64_t user_hash(std::string_view user, const Sources& sources) {
  if (user.empty()) return 0;
  std::array<char, 256> buffer;
  return sources.hash(sip::normalise_user(user, buffer));
}

std::uint64_t acting_user(sip::Message& message, const Sources& sources) {
  return user_hash(acting_user_text(message, message.method()), sources);
}

std::uint64_t credential_user(const sip::Message& message, const Sources& sources) {
  for (const auto id : {sip::HeaderId::authorization, sip::HeaderId::proxy_authorization}) {
    if (message.count(id) == 0) continue;
    const auto auth = sip::parse_auth(message.value(id));
    if (auth.ok && !auth.username.empty()) return sources.hash(auth.username);
  }
  return 0;
}

}  // namespace sipward::guardian

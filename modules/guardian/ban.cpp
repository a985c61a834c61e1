#include "ban.hpp"

namespace sipward::guardian {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "none";
    case Reason::null_bytes:
      return "null_bytes";
    case Reason::binary_injection:
      return "binary_injection";
    case Reason::validation:
      return "validation";
    case Reason::broken_stream:
      return "broken_stream";
    case Reason::scanner:
      return "scanner";
    case Reason::wrong_password:
      return "wrong_password";
    case Reason::unknown_user:
      return "unknown_user";
    case Reason::forbidden:
      return "forbidden";
    case Reason::stale_nonce:
      return "stale_nonce";
    case Reason::flood:
      return "flood";
    case Reason::rate_limit:
      return "rate_limit";
    case Reason::packet_rate:
      return "packet_rate";
    case Reason::banned:
      return "banned";
    case Reason::soft_block:
      return "soft_block";
    case Reason::count_threshold:
      return "count_threshold";
    case Reason::sequential_pattern:
      return "sequential_pattern";
    case Reason::rapid_fire:
      return "rapid_fire";
    case Reason::failed_auth:
      return "failed_auth";
    case Reason::resent:
      return "resent";
    case Reason::geoip:
      return "geoip";
    case Reason::other:
      return "other";
  }
  return "other";
}

Reason reason_of(std::string_view name) {
  for (std::size_t i = 0; i < kReasons; ++i) {
    if (to_string(static_cast<Reason>(i)) == name) return static_cast<Reason>(i);
  }
  return Reason::other;
}

std::optional<Scope> scope_of(std::string_view name) {
  for (const Scope scope : {Scope::address, Scope::network, Scope::flow, Scope::identity}) {
    if (to_string(scope) == name) return scope;
  }
  return std::nullopt;
}

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::address:
      return "address";
    case Scope::network:
      return "network";
    case Scope::flow:
      return "flow";
    case Scope::identity:
      return "identity";
  }
  return "address";
}

}  // namespace sipward::guardian

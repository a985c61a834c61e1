#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// Names of SIP: methods, header fields, and the character classes of RFC 3261 25.1. Everything here is a pure
// function over views; safe to call from any thread.
namespace sipward::sip {

enum class Method : std::uint8_t {
  other,  // any token that is not below; legal, the text is in Message::method_name()
  register_,
  invite,
  ack,
  bye,
  cancel,
  options,
  info,
  notify,
  subscribe,
  message,
  refer,
  prack,
  update,
  publish,
};
inline constexpr std::size_t kMethods = 15;

// As on the wire ("REGISTER"); "other" for Method::other, so that it is a bounded metric label.
std::string_view to_string(Method method);
// Methods are case-sensitive and compared whole (RFC 3261 7.1); anything else is Method::other.
Method parse_method(std::string_view text);

// A header field, whether written long or compact (RFC 3261 7.3.3): both forms are one field for duplicate
// checks, limits and edits.
enum class HeaderId : std::uint8_t {
  other,
  accept,
  accept_contact,
  alert_info,
  allow,
  allow_events,
  authorization,
  call_id,
  call_info,
  contact,
  content_encoding,
  content_length,
  content_type,
  cseq,
  date,
  diversion,
  error_info,
  event,
  expires,
  from,
  history_info,
  identity,
  identity_info,
  in_reply_to,
  join,
  max_forwards,
  mime_version,
  min_expires,
  organization,
  p_asserted_identity,
  p_associated_uri,
  p_preferred_identity,
  path,
  priority,
  privacy,
  proxy_authenticate,
  proxy_authorization,
  proxy_require,
  rack,
  reason,
  record_route,
  refer_to,
  referred_by,
  reject_contact,
  remote_party_id,
  replaces,
  reply_to,
  request_disposition,
  require,
  retry_after,
  route,
  rseq,
  server,
  service_route,
  session_expires,
  session_id,
  subject,
  subscription_state,
  supported,
  target_dialog,
  to,
  unsupported,
  user_agent,
  via,
  warning,
  www_authenticate,
};
inline constexpr std::size_t kHeaderIds = static_cast<std::size_t>(HeaderId::www_authenticate) + 1;

// Without case, long or compact; HeaderId::other for names that are not in the list.
HeaderId parse_header_name(std::string_view name);
// The long name in its usual spelling ("Call-ID"); "" for other.
std::string_view to_string(HeaderId id);

// One header of a message, all views into the message's octets.
struct Header {
  std::string_view name;   // as written
  std::string_view value;  // without surrounding white space; folds inside are kept
  std::string_view line;   // whole, with its folds and its line end
  HeaderId id = HeaderId::other;
  bool non_ascii = false;  // an octet >= 0x80 somewhere in the line
};

bool is_token(std::string_view text);  // 1*token-char
// Equal when ASCII letters are compared without case.
bool iequals(std::string_view a, std::string_view b);
// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text);
// Cuts SP, HTAB and the CR LF of folds from both ends.
std::string_view trim(std::string_view text);

}  // namespace sipward::sip

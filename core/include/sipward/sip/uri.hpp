#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// URIs as SIP uses them: sip, sips, tel, urn:service and whatever else may stand in a From (RFC 3261 19.1,
// RFC 3966, RFC 5031). Views into the text given; nothing is decoded, so what is forwarded stays as it came.
namespace sipward::sip {

enum class Scheme : std::uint8_t { none, sip, sips, tel, urn, other };

// What is wrong with a URI. Several may hold at once.
enum class UriFlaw : std::uint16_t {
  empty = 1 << 0,
  bracketed = 1 << 1,   // < or > in it
  whitespace = 1 << 2,  // SP, HTAB, CR, LF
  no_scheme = 1 << 3,
  no_host = 1 << 4,
  bad_host = 1 << 5,       // octets no host may hold, zone id, % escape, IPv6 that is not closed
  bad_port = 1 << 6,       // not 1–65535; an IPv6 address without brackets ends here
  bad_escape = 1 << 7,     // % without two hex digits
  second_at = 1 << 8,      // a second @ before the headers part
  control = 1 << 9,        // a raw control octet
  empty_number = 1 << 10,  // tel: without a digit
  empty_param = 1 << 11,   // ;;
};

struct Uri {
  Scheme scheme = Scheme::none;
  bool ok = false;            // no flaw at all
  bool has_user = false;      // an @ was there (the user may still be empty)
  bool escaped_crlf = false;  // %0d or %0a anywhere: legal grammar, never innocent
  bool escaped_nul = false;   // %00 anywhere
  std::uint16_t port = 0;     // 0: not given
  std::uint16_t flaws = 0;    // bits of UriFlaw
  std::string_view text;      // the whole
  std::string_view scheme_text;
  std::string_view user;  // tel: the number as written, with its separators
  std::string_view password;
  std::string_view host;     // IPv6 with its brackets; empty for tel and urn
  std::string_view params;   // after the first ; without it
  std::string_view headers;  // after the ? without it
  std::string_view opaque;   // urn and other schemes: all that follows the colon

  bool has(UriFlaw flaw) const { return (flaws & static_cast<std::uint16_t>(flaw)) != 0; }
};

// Reads one URI without <> around it. Never fails otherwise than by `ok == false`; the parts that could be
// told are set anyhow. By grammar the first @ ends the user part, so ; ? / in front of it belong to the user
// (RFC 4475 3.1.1.9). An @ in the headers part is tolerated, phones write it there.
Uri parse_uri(std::string_view text);

// The value of a URI parameter ("transport", "user", "maddr"), compared without case; empty data() when it is
// absent, an empty non-null view when it has no value.
std::string_view uri_param(const Uri& uri, std::string_view name);

// True for urn:service:sos and everything below it (RFC 5031): calls that no limit may stop.
bool is_emergency(const Uri& uri);

// The user part in the form to compare and to key tables by: escapes of unreserved octets decoded (RFC
// 3261 19.1.4), others with upper-case hex digits; a tel number without its visual separators. Returns `user`
// itself when it is in that form already, else a view into `buffer`; a user too long for `buffer` comes back
// unchanged.
std::string_view normalise_user(std::string_view user, std::span<char> buffer, Scheme scheme = Scheme::sip);

// RFC 3261 19.1.4: user and password with case, the rest without; a port given and one omitted differ;
// transport, user, ttl, method and maddr must agree when either has them, other parameters when both do.
// Order of parameters and %-escapes of unreserved octets do not matter. Linear in practice, bounded by 64
// parameters.
bool equivalent(const Uri& a, const Uri& b);

}  // namespace sipward::sip

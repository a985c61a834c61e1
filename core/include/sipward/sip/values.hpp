#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sipward/sip/header.hpp"

// Readers for the values of headers. All are pure functions over views and never throw; what cannot be read
// has `ok == false`, with every part that could be told still set. Views live as long as the text. Folds
// count as white space. Each walks its text once.
namespace sipward::sip {

// Cuts a comma-separated header value at the commas outside "…" and <…> (RFC 3261 7.3.1). Not for the headers
// whose commas do not separate values: the four of digest, Date, Subject, User-Agent, Server, Organization,
// Retry-After.
class ListReader {
 public:
  explicit ListReader(std::string_view value) : rest_(value) {}
  // The next element, trimmed; false at the end. Empty elements are skipped and make ok() false.
  bool next(std::string_view& element);
  bool ok() const { return ok_; }  // no empty element, every quote and bracket closed, so far

 private:
  std::string_view rest_;
  bool started_ = false;
  bool done_ = false;
  bool ok_ = true;
};

struct Parameter {
  std::string_view name;
  std::string_view value;  // a quoted string keeps its quotes; empty when there is none
  bool has_value = false;
};

// Walks `;name=value;name…`. Values may be tokens, hosts, bracketed IPv6 or quoted strings (RFC 3261 25.1
// generic-param).
class ParameterReader {
 public:
  // `text` begins at or after the first ';'.
  explicit ParameterReader(std::string_view text) : rest_(text) {}
  bool next(Parameter& parameter);  // false at the end
  bool ok() const { return ok_; }   // no empty parameter, every quote closed, so far
  // What next() has not read: after the end either empty or what begins with an octet no parameter holds, as
  // the comma before the next list element.
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool started_ = false;
  bool ok_ = true;
};

// The first parameter of that name, without case; nullopt when absent, "" when it has no value.
std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name);

// RFC 3261 20.42, 18.2.1; RFC 3581.
struct Via {
  bool ok = false;
  bool sent_by_ok = false;     // all in front of the parameters is right: enough to answer
  bool has_rport = false;      // rport present, with or without a value
  std::uint16_t port = 0;      // 0: not given
  std::uint16_t rport = 0;     // 0: no value
  std::string_view value;      // this Via alone, trimmed
  std::string_view transport;  // as written: UDP, TCP, …; unknown ones are legal
  std::string_view host;       // IPv6 with its brackets
  std::string_view parameters;
  std::string_view branch;
  std::string_view received;

  bool has_cookie() const;  // branch begins with z9hG4bK, without case
};
// Reads the first Via of `value`; what follows a comma is not looked at.
Via parse_via(std::string_view value);

// From, To, Contact, Refer-To, Route …: name-addr or addr-spec with header parameters (RFC 3261 20.10, 25.1).
struct NameAddr {
  bool ok = false;        // none of the flaws below
  bool brackets = false;  // the URI stood in <>
  bool star = false;      // the value is "*"
  bool duplicate_tag = false;
  bool unbalanced = false;           // a quote or < never ends
  bool list = false;                 // a comma follows this element: more than one value
  bool junk = false;                 // something between > and the first ; or a parameter that is none
  bool empty_parameter = false;      // ;; or a trailing ;
  bool inner_space = false;          // white space inside the URI
  bool bare_special = false;         // addr-spec without <> holding ? or , as if they were the URI's
  bool bad_display = false;          // unquoted , ; : < > @ " in the display name
  bool odd_display = false;          // other octets there that are no tokens; common, harmless
  bool too_many_parameters = false;  // more than kMaxParameters
  std::string_view value;            // this element alone, trimmed
  std::string_view display;          // quoted names keep their quotes
  std::string_view uri;              // without <>
  std::string_view parameters;       // of the header, after the first ;
  std::string_view tag;
};
// Reads all of `value` as one element: cut lists with ListReader first.
NameAddr parse_name_addr(std::string_view value);
inline constexpr std::size_t kMaxParameters = 64;

// RFC 3261 20.16: a number below 2^31 and a method.
struct CSeq {
  bool ok = false;
  std::uint32_t number = 0;
  Method method = Method::other;
  std::string_view method_name;
};
CSeq parse_cseq(std::string_view value);

// 1*DIGIT with surrounding white space, leading zeros allowed, and nothing else. nullopt on anything else and
// on overflow.
std::optional<std::uint64_t> parse_number(std::string_view text);

// Challenges and credentials of digest (RFC 3261 22, 7616, 8760). Quoted values are given without their
// quotes but with their escapes. `ok` is false when the list of parameters is not well formed — a missing
// comma, a quote that never ends, a parameter of this list twice — and then nothing may be concluded from it.
// Unknown parameters are fine.
struct AuthParams {
  bool ok = false;
  bool stale = false;       // stale=true, without case
  std::string_view scheme;  // "Digest"
  std::string_view username;
  std::string_view realm;
  std::string_view nonce;
  std::string_view uri;
  std::string_view response;
  std::string_view opaque;
  std::string_view algorithm;
  std::string_view qop;  // token or quoted list
  std::string_view nc;
  std::string_view cnonce;
};
AuthParams parse_auth(std::string_view value);

}  // namespace sipward::sip

#include "sipward/sip/header.hpp"

#include <array>
#include <cstring>

#include "lexer.hpp"

namespace sipward::sip {

namespace {

using lexer::is;
using lexer::lower;

constexpr std::array<std::string_view, kMethods> kMethodNames = {
    "other",  "REGISTER",  "INVITE",  "ACK",   "BYE",   "CANCEL", "OPTIONS", "INFO",
    "NOTIFY", "SUBSCRIBE", "MESSAGE", "REFER", "PRACK", "UPDATE", "PUBLISH"};

// In the order of HeaderId.
constexpr std::array<std::string_view, kHeaderIds> kNames = {"",
                                                             "Accept",
                                                             "Accept-Contact",
                                                             "Alert-Info",
                                                             "Allow",
                                                             "Allow-Events",
                                                             "Authorization",
                                                             "Call-ID",
                                                             "Call-Info",
                                                             "Contact",
                                                             "Content-Encoding",
                                                             "Content-Length",
                                                             "Content-Type",
                                                             "CSeq",
                                                             "Date",
                                                             "Diversion",
                                                             "Error-Info",
                                                             "Event",
                                                             "Expires",
                                                             "From",
                                                             "History-Info",
                                                             "Identity",
                                                             "Identity-Info",
                                                             "In-Reply-To",
                                                             "Join",
                                                             "Max-Forwards",
                                                             "MIME-Version",
                                                             "Min-Expires",
                                                             "Organization",
                                                             "P-Asserted-Identity",
                                                             "P-Associated-URI",
                                                             "P-Preferred-Identity",
                                                             "Path",
                                                             "Priority",
                                                             "Privacy",
                                                             "Proxy-Authenticate",
                                                             "Proxy-Authorization",
                                                             "Proxy-Require",
                                                             "RAck",
                                                             "Reason",
                                                             "Record-Route",
                                                             "Refer-To",
                                                             "Referred-By",
                                                             "Reject-Contact",
                                                             "Remote-Party-ID",
                                                             "Replaces",
                                                             "Reply-To",
                                                             "Request-Disposition",
                                                             "Require",
                                                             "Retry-After",
                                                             "Route",
                                                             "RSeq",
                                                             "Server",
                                                             "Service-Route",
                                                             "Session-Expires",
                                                             "Session-ID",
                                                             "Subject",
                                                             "Subscription-State",
                                                             "Supported",
                                                             "Target-Dialog",
                                                             "To",
                                                             "Unsupported",
                                                             "User-Agent",
                                                             "Via",
                                                             "Warning",
                                                             "WWW-Authenticate"};

// Names of one letter (RFC 3261 7.3.3 and the registry of later RFCs).
constexpr std::array<HeaderId, 26> make_compact() {
  std::array<HeaderId, 26> t{};
  const auto put = [&t](char c, HeaderId id) { t[static_cast<std::size_t>(c - 'a')] = id; };
  put('a', HeaderId::accept_contact);
  put('b', HeaderId::referred_by);
  put('c', HeaderId::content_type);
  put('d', HeaderId::request_disposition);
  put('e', HeaderId::content_encoding);
  put('f', HeaderId::from);
  put('i', HeaderId::call_id);
  put('j', HeaderId::reject_contact);
  put('k', HeaderId::supported);
  put('l', HeaderId::content_length);
  put('m', HeaderId::contact);
  put('n', HeaderId::identity_info);
  put('o', HeaderId::event);
  put('r', HeaderId::refer_to);
  put('s', HeaderId::subject);
  put('t', HeaderId::to);
  put('u', HeaderId::allow_events);
  put('v', HeaderId::via);
  put('x', HeaderId::session_expires);
  put('y', HeaderId::identity);
  return t;
}
constexpr auto kCompact = make_compact();

// Three characters and the length tell all names of the list apart; the multipliers were picked so that no
// two share a slot, which the compiler checks.
constexpr std::size_t kSlots = 512;
constexpr std::size_t slot(std::string_view name, std::size_t a, std::size_t b) {
  const auto at = [name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(name[i]) | 0x20U);
  };
  return (name.size() * a + at(0) * b + at(name.size() - 1) * 7 + at(name.size() / 2) * 31) % kSlots;
}

struct Perfect {
  std::array<std::uint8_t, kSlots> ids{};
  std::size_t a = 0, b = 0;
};
constexpr bool place(Perfect& table) {
  table.ids = {};
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    auto& id = table.ids[slot(kNames[i], table.a, table.b)];
    if (id != 0) return false;
    id = static_cast<std::uint8_t>(i);
  }
  return true;
}
constexpr Perfect make_perfect() {
  Perfect table;
  for (table.a = 1; table.a < 64; ++table.a) {
    for (table.b = 1; table.b < 64; ++table.b) {
      if (place(table)) return table;
    }
  }
  table.a = 0;
  return table;
}
constexpr Perfect kPerfect = make_perfect();
static_assert(kPerfect.a != 0, "two header names share a slot: widen the search");

// Equal but for the case of letters, a word at a time. `known` is one of kNames: letters, which have bit
// 0x40, and '-', which has not.
template <typename Word>
bool same_word(const char* name, const char* known) {
  Word a = 0, b = 0;
  std::memcpy(&a, name, sizeof a);
  std::memcpy(&b, known, sizeof b);
  constexpr auto kLetters = static_cast<Word>(0x4040404040404040);
  return ((a ^ b) & ~((b & kLetters) >> 1)) == 0;
}

bool same_name(std::string_view name, std::string_view known) {
  const std::size_t size = name.size();
  if (size != known.size()) return false;
  if (size < 4) return iequals(name, known);
  if (size < 8) {
    return same_word<std::uint32_t>(name.data(), known.data()) &&
           same_word<std::uint32_t>(name.data() + size - 4, known.data() + size - 4);
  }
  for (std::size_t i = 0; i + 8 < size; i += 8) {
    if (!same_word<std::uint64_t>(name.data() + i, known.data() + i)) return false;
  }
  return same_word<std::uint64_t>(name.data() + size - 8, known.data() + size - 8);
}

}  // namespace

std::string_view to_string(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

Method parse_method(std::string_view text) {
  const auto check = [text](Method m) { return text == to_string(m) ? m : Method::other; };
  if (text.size() < 3) return Method::other;
  switch (text.front()) {
    case 'R':
      return text.size() == 8 ? check(Method::register_) : check(Method::refer);
    case 'I':
      return text.size() == 6 ? check(Method::invite) : check(Method::info);
    case 'A':
      return check(Method::ack);
    case 'B':
      return check(Method::bye);
    case 'C':
      return check(Method::cancel);
    case 'O':
      return check(Method::options);
    case 'N':
      return check(Method::notify);
    case 'S':
      return check(Method::subscribe);
    case 'M':
      return check(Method::message);
    case 'P':
      return text.size() == 5 ? check(Method::prack) : check(Method::publish);
    case 'U':
      return check(Method::update);
    default:
      return Method::other;
  }
}

HeaderId parse_header_name(std::string_view name) {
  if (name.size() < 2) {
    if (name.empty() || !is(name[0], lexer::kAlpha)) return HeaderId::other;
    return kCompact[static_cast<std::size_t>(lower(name[0]) - 'a')];
  }
  const std::size_t id = kPerfect.ids[slot(name, kPerfect.a, kPerfect.b)];
  return same_name(name, kNames[id]) ? static_cast<HeaderId>(id) : HeaderId::other;
}

std::string_view to_string(HeaderId id) {
  return kNames[static_cast<std::size_t>(id)];
}

bool is_token(std::string_view text) {
  for (char c : text) {
    if (!is(c, lexer::kToken)) return false;
  }
  return !text.empty();
}

bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  const auto tail = [&](std::ptrdiff_t i) { return end - p > i && (p[i] & 0xC0) == 0x80; };
  while (p != end) {
    if (*p < 0x80) {
      ++p;
    } else if (*p >= 0xC2 && *p <= 0xDF && tail(1)) {
      p += 2;
    } else if ((*p & 0xF0) == 0xE0 && tail(1) && tail(2) && !(*p == 0xE0 && p[1] < 0xA0) &&
               !(*p == 0xED && p[1] > 0x9F)) {
      p += 3;
    } else if (*p >= 0xF0 && *p <= 0xF4 && tail(1) && tail(2) && tail(3) && !(*p == 0xF0 && p[1] < 0x90) &&
               !(*p == 0xF4 && p[1] > 0x8F)) {
      p += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string_view trim(std::string_view text) {
  return lexer::trim_space(text);
}

}  // namespace sipward::sip

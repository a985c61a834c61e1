#include "sipward/sip/header.hpp"

#include <array>

#include "header_names.hpp"
#include "lexer.hpp"

namespace sipward::sip {

namespace {

using lexer::is;
using lexer::lower;

constexpr std::array<std::string_view, kMethods> kMethodNames = {
    "other",  "REGISTER",  "INVITE",  "ACK",   "BYE",   "CANCEL", "OPTIONS", "INFO",
    "NOTIFY", "SUBSCRIBE", "MESSAGE", "REFER", "PRACK", "UPDATE", "PUBLISH"};

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
  return lexer::find_name(name, name.size());
}

std::string_view to_string(HeaderId id) {
  return lexer::kNames[static_cast<std::size_t>(id)];
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

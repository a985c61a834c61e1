#include "sipward/sip/uri.hpp"

#include <array>

#include "lexer.hpp"

namespace sipward::sip {

namespace {

using lexer::is;
using lexer::lower;

int hex(char c) {
  if (is(c, lexer::kDigit)) return c - '0';
  return is(c, lexer::kHex) ? lower(c) - 'a' + 10 : -1;
}

void flaw(Uri& uri, UriFlaw f) {
  uri.flaws = static_cast<std::uint16_t>(uri.flaws | static_cast<unsigned>(f));
}

void check_octets(Uri& uri) {
  const std::string_view t = uri.text;
  if (!lexer::has_uri_special(t)) return;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const char c = t[i];
    if (is(c, lexer::kToken) && c != '%') continue;
    if (c == '%') {
      const int high = i + 1 < t.size() ? hex(t[i + 1]) : -1;
      const int low = i + 2 < t.size() ? hex(t[i + 2]) : -1;
      if (high < 0 || low < 0) {
        flaw(uri, UriFlaw::bad_escape);
        continue;
      }
      const int octet = high * 16 + low;
      if (octet == '\r' || octet == '\n') uri.escaped_crlf = true;
      if (octet == 0) uri.escaped_nul = true;
    } else if (c == '<' || c == '>') {
      flaw(uri, UriFlaw::bracketed);
    } else if (is(c, lexer::kSpace)) {
      flaw(uri, UriFlaw::whitespace);
    } else if (lexer::is_control(c)) {
      flaw(uri, UriFlaw::control);
    }
  }
}

bool is_ipv6_reference(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  std::size_t colons = 0;
  for (char c : host.substr(1, host.size() - 2)) {
    if (c == ':')
      ++colons;
    else if (!is(c, lexer::kHex) && c != '.')
      return false;  // no zone ids (RFC 3261 25.1)
  }
  // Three colons in a row is what the grammar of RFC 3261 wrongly asked for (RFC 5118 4.10).
  return colons >= 2 && host.find("::::") == std::string_view::npos;
}

void split_host_port(Uri& uri, std::string_view text) {
  std::size_t end = 0;
  if (!text.empty() && text.front() == '[') {
    end = text.find(']');
    end = end == std::string_view::npos ? text.size() : end + 1;
    uri.host = text.substr(0, end);
    if (!is_ipv6_reference(uri.host)) flaw(uri, UriFlaw::bad_host);
  } else {
    while (end < text.size() && text[end] != ':') {
      if (!is(text[end], lexer::kHost)) flaw(uri, UriFlaw::bad_host);
      ++end;
    }
    uri.host = text.substr(0, end);
    if (end == 0) flaw(uri, UriFlaw::no_host);
  }
  if (end == text.size()) return;
  const auto port = text[end] == ':' ? parse_number(text.substr(end + 1)) : std::nullopt;
  if (text[end] != ':') {
    flaw(uri, UriFlaw::bad_host);
  } else if (!port || *port == 0 || *port > 65535) {
    flaw(uri, UriFlaw::bad_port);
  } else {
    uri.port = static_cast<std::uint16_t>(*port);
  }
}

void check_params(Uri& uri) {
  if (uri.params.data() == nullptr) return;
  if (uri.params.empty() || uri.params.front() == ';' || uri.params.back() == ';' ||
      uri.params.find(";;") != std::string_view::npos) {
    flaw(uri, UriFlaw::empty_param);
  }
}

void split_sip(Uri& uri, std::string_view rest) {
  // By grammar the user part may hold ; ? / and more, but no @: so the first @ ends it (RFC 4475 3.1.1.9).
  const std::size_t at = rest.find('@');
  if (at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    const std::size_t colon = user.find(':');
    uri.has_user = true;
    uri.user = user.substr(0, colon);
    if (colon != std::string_view::npos) uri.password = user.substr(colon + 1);
    rest.remove_prefix(at + 1);
  }
  const std::size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    uri.headers = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  if (rest.find('@') != std::string_view::npos) flaw(uri, UriFlaw::second_at);
  const std::size_t semicolon = rest.find(';');
  if (semicolon != std::string_view::npos) {
    uri.params = rest.substr(semicolon + 1);
    check_params(uri);
  }
  split_host_port(uri, rest.substr(0, semicolon));
}

void split_tel(Uri& uri, std::string_view rest) {
  const std::size_t semicolon = rest.find(';');
  uri.user = rest.substr(0, semicolon);
  if (semicolon != std::string_view::npos) {
    uri.params = rest.substr(semicolon + 1);
    check_params(uri);
  }
  bool any = false;
  for (char c : uri.user) any = any || is(c, lexer::kHex) || c == '*' || c == '#';
  if (!any) flaw(uri, UriFlaw::empty_number);
}

std::size_t scheme_length(std::string_view text) {
  if (text.size() > 3 && text[3] == ':' && lexer::named(text.substr(0, 3), "sip")) return 3;
  std::size_t i = 0;
  if (text.empty() || !is(text[0], lexer::kAlpha)) return std::string_view::npos;
  while (i < text.size() &&
         (is(text[i], lexer::kAlpha | lexer::kDigit) || text[i] == '+' || text[i] == '-' || text[i] == '.')) {
    ++i;
  }
  return i < text.size() && text[i] == ':' ? i : std::string_view::npos;
}

// Octet by octet with the escapes of unreserved octets undone; every other escape comes out as 0x100 + octet,
// so that it equals only itself.
class Decoded {
 public:
  explicit Decoded(std::string_view text) : text_(text) {}
  bool next(int& unit) {
    if (i_ == text_.size()) return false;
    unit = static_cast<unsigned char>(text_[i_++]);
    if (unit == '%' && text_.size() - i_ >= 2 && hex(text_[i_]) >= 0 && hex(text_[i_ + 1]) >= 0) {
      const int octet = hex(text_[i_]) * 16 + hex(text_[i_ + 1]);
      i_ += 2;
      unit = is(static_cast<char>(octet), lexer::kUnreserved) ? octet : 0x100 + octet;
    }
    return true;
  }

 private:
  std::string_view text_;
  std::size_t i_ = 0;
};

enum class Case : bool { fold, keep };

bool same(std::string_view a, std::string_view b, Case mode) {
  Decoded left(a), right(b);
  int x = 0, y = 0;
  while (true) {
    const bool more = left.next(x);
    if (right.next(y) != more) return false;
    if (!more) return true;
    if (x == y) continue;
    if (mode == Case::keep || x >= 0x100 || y >= 0x100) return false;
    if (lower(static_cast<char>(x)) != lower(static_cast<char>(y))) return false;
  }
}

bool weighs_alone(std::string_view name) {
  for (std::string_view n : {"transport", "user", "ttl", "method", "maddr"}) {
    if (iequals(name, n)) return true;
  }
  return false;
}

struct Piece {
  std::string_view name, value;
};

bool next_piece(std::string_view& rest, char separator, Piece& piece) {
  if (rest.empty()) return false;
  const std::size_t end = rest.find(separator);
  const std::string_view one = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  const std::size_t equals = one.find('=');
  piece = {one.substr(0, equals),
           equals == std::string_view::npos ? std::string_view{} : one.substr(equals + 1)};
  return true;
}

// Every parameter of `a` is in `b` with the same value, or absent there where that is allowed.
bool covered(std::string_view a, std::string_view b, char separator, bool may_be_absent) {
  Piece mine;
  for (std::size_t i = 0; i < kMaxParameters && next_piece(a, separator, mine); ++i) {
    std::string_view rest = b;
    Piece theirs;
    bool named = false;
    bool equal = false;
    for (std::size_t j = 0; j < kMaxParameters && !equal && next_piece(rest, separator, theirs); ++j) {
      if (!same(mine.name, theirs.name, Case::fold)) continue;
      named = true;
      equal = same(mine.value, theirs.value, Case::fold);
    }
    if (!equal && (named || !may_be_absent || weighs_alone(mine.name))) return false;
  }
  return true;
}

}  // namespace

Uri parse_uri(std::string_view text) {
  Uri uri;
  uri.text = text;
  if (text.empty()) {
    flaw(uri, UriFlaw::empty);
    return uri;
  }
  check_octets(uri);
  const std::size_t length = scheme_length(text);
  if (length == std::string_view::npos) {
    flaw(uri, UriFlaw::no_scheme);
    return uri;
  }
  uri.scheme_text = text.substr(0, length);
  const std::string_view rest = text.substr(length + 1);
  if (lexer::named(uri.scheme_text, "sip") || lexer::named(uri.scheme_text, "sips")) {
    uri.scheme = length == 3 ? Scheme::sip : Scheme::sips;
    split_sip(uri, rest);
  } else if (lexer::named(uri.scheme_text, "tel")) {
    uri.scheme = Scheme::tel;
    split_tel(uri, rest);
  } else {
    uri.scheme = iequals(uri.scheme_text, "urn") ? Scheme::urn : Scheme::other;
    uri.opaque = rest;
    if (rest.empty()) flaw(uri, UriFlaw::no_host);
  }
  uri.ok = uri.flaws == 0;
  return uri;
}

std::string_view uri_param(const Uri& uri, std::string_view name) {
  std::string_view rest = uri.params;
  Piece piece;
  for (std::size_t i = 0; i < kMaxParameters && next_piece(rest, ';', piece); ++i) {
    if (!iequals(piece.name, name)) continue;
    return piece.value.data() != nullptr ? piece.value : piece.name.substr(piece.name.size());
  }
  return {};
}

bool is_emergency(const Uri& uri) {
  constexpr std::string_view kSos = "service:sos";
  return uri.scheme == Scheme::urn && uri.opaque.size() >= kSos.size() &&
         iequals(uri.opaque.substr(0, kSos.size()), kSos) &&
         (uri.opaque.size() == kSos.size() || uri.opaque[kSos.size()] == '.');
}

std::string_view normalise_user(std::string_view user, std::span<char> buffer, Scheme scheme) {
  const auto dropped = [scheme](char c) {
    return scheme == Scheme::tel && (c == '-' || c == '.' || c == '(' || c == ')');
  };
  bool plain = true;
  for (char c : user) plain = plain && c != '%' && !dropped(c);
  if (plain || user.size() > buffer.size()) return user;
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::size_t n = 0;
  Decoded units(user);
  int unit = 0;
  while (units.next(unit)) {
    if (unit >= 0x100) {
      buffer[n++] = '%';
      buffer[n++] = kHexDigits[static_cast<std::size_t>(unit >> 4) & 15];
      buffer[n++] = kHexDigits[static_cast<std::size_t>(unit) & 15];
    } else if (!dropped(static_cast<char>(unit))) {
      buffer[n++] = static_cast<char>(unit);
    }
  }
  return {buffer.data(), n};
}

bool equivalent(const Uri& a, const Uri& b) {
  if (!a.ok || !b.ok) return a.text == b.text;
  if (a.scheme != b.scheme || !iequals(a.scheme_text, b.scheme_text)) return false;
  if (a.scheme == Scheme::urn || a.scheme == Scheme::other) return same(a.opaque, b.opaque, Case::fold);
  if (a.scheme == Scheme::tel) {
    std::array<char, 256> left{}, right{};
    return iequals(normalise_user(a.user, left, Scheme::tel), normalise_user(b.user, right, Scheme::tel)) &&
           covered(a.params, b.params, ';', false) && covered(b.params, a.params, ';', false);
  }
  return a.has_user == b.has_user && same(a.user, b.user, Case::keep) &&
         same(a.password, b.password, Case::keep) && iequals(a.host, b.host) && a.port == b.port &&
         covered(a.params, b.params, ';', true) && covered(b.params, a.params, ';', true) &&
         covered(a.headers, b.headers, '&', false) && covered(b.headers, a.headers, '&', false);
}

}  // namespace sipward::sip

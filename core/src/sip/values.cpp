#include "sipward/sip/values.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lexer.hpp"

namespace sipward::sip {

namespace {

using lexer::is;
using lexer::kDigit;
using lexer::kHost;
using lexer::kSpace;
using lexer::kToken;

std::size_t skip_space(std::string_view s, std::size_t i) {
  while (i < s.size() && is(s[i], kSpace)) ++i;
  return i;
}

std::size_t skip_class(std::string_view s, std::size_t i, unsigned classes) {
  while (i < s.size() && is(s[i], classes)) ++i;
  return i;
}

// `i` is at the opening quote; returns the place behind the closing one, npos when there is none. A backslash
// takes the octet after it along (RFC 3261 25.1 quoted-pair).
std::size_t skip_quoted(std::string_view s, std::size_t i) {
  for (++i; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::string_view unquote(std::string_view s) {
  return s.size() >= 2 && s.front() == '"' && s.back() == '"' ? s.substr(1, s.size() - 2) : s;
}

// 0 when it is none.
std::uint16_t to_port(std::string_view text) {
  if (text.size() - 1 < 5) {  // not empty, and what nearly every one is
    unsigned port = 0;
    std::size_t i = 0;
    for (; i < text.size() && is(text[i], kDigit); ++i)
      port = port * 10 + static_cast<unsigned>(text[i] - '0');
    if (i == text.size()) return port <= 65535 ? static_cast<std::uint16_t>(port) : 0;
  }
  const auto n = parse_number(text);
  return n && *n <= 65535 ? static_cast<std::uint16_t>(*n) : 0;
}

// Tells bad octets of an unquoted display name from merely odd ones.
void judge_display(NameAddr& out) {
  for (char c : out.display) {
    if (is(c, kToken | kSpace)) continue;
    switch (c) {
      case ',':
      case ';':
      case ':':
      case '>':
      case '@':
      case '"':
        out.bad_display = true;
        break;
      default:
        out.odd_display = true;
    }
  }
}

// What ParameterReader does, where it can be kept in registers.
struct ParameterCursor {
  std::string_view rest;
  bool started = false;
  bool ok = true;

  [[gnu::always_inline]] bool next(Parameter& parameter) {
    while (true) {
      std::size_t i = skip_space(rest, 0);
      if (i == rest.size()) {
        rest = {};
        return false;
      }
      if (rest[i] == ';') {
        i = skip_space(rest, i + 1);
      } else if (started) {
        rest.remove_prefix(i);
        return false;
      }
      started = true;
      const std::size_t name_end = skip_class(rest, i, kToken);
      if (name_end == i) {
        ok = false;
        rest.remove_prefix(i);
        if (rest.empty() || rest.front() != ';') return false;
        continue;
      }
      parameter = {{rest.data() + i, name_end - i}, {}, false};
      i = skip_space(rest, name_end);
      if (i < rest.size() && rest[i] == '=') {
        i = skip_space(rest, i + 1);
        std::size_t end;
        if (i < rest.size() && rest[i] == '"') {
          end = skip_quoted(rest, i);
          if (end == std::string_view::npos) {
            ok = false;
            end = rest.size();
          }
        } else {
          end = i + lexer::find_value_end({rest.data() + i, rest.size() - i});
        }
        parameter.value = {rest.data() + i, end - i};
        parameter.has_value = true;
        i = end;
      }
      rest.remove_prefix(i);
      return true;
    }
  }
};

void read_parameters(NameAddr& out, std::string_view text) {
  out.parameters = text.empty() ? text : text.substr(1);
  ParameterCursor reader{text};
  Parameter p;
  std::size_t number = 0;
  bool tagged = false;
  while (reader.next(p)) {
    if (++number > kMaxParameters) {
      out.too_many_parameters = true;
      return;
    }
    if (lexer::named(p.name, "tag")) {
      if (tagged) out.duplicate_tag = true;
      if (!tagged) out.tag = p.value;
      tagged = true;
    }
  }
  const std::string_view rest = reader.rest;
  if (!rest.empty()) {
    (rest.front() == ',' ? out.list : out.junk) = true;
    out.value = out.value.substr(0, out.value.size() - rest.size());
    out.parameters = out.parameters.substr(0, out.parameters.size() - rest.size());
  } else if (!reader.ok) {
    out.empty_parameter = true;
  }
}

// `open` is the place of the <.
void read_name_addr(NameAddr& out, std::size_t open) {
  const std::string_view v = out.value;
  out.brackets = true;
  const std::size_t close = open + lexer::find_char(v.substr(open), '>');
  if (close == v.size()) {
    out.unbalanced = true;
    out.uri = v.substr(open + 1);
    return;
  }
  out.uri = v.substr(open + 1, close - open - 1);
  std::size_t i = skip_space(v, close + 1);
  if (i < v.size() && v[i] == ',') {
    out.list = true;
    out.value = v.substr(0, i);
  } else if (i < v.size() && v[i] != ';') {
    out.junk = true;
  } else {
    read_parameters(out, v.substr(i));
  }
}

void read_addr_spec(NameAddr& out) {
  const std::string_view v = out.value;
  const std::size_t end = v.find_first_of(";,?");
  if (end != std::string_view::npos && v[end] != ';') {
    out.bare_special = true;
    out.uri = lexer::trim_space(v.substr(0, v.find(';', end)));
  } else {
    out.uri = lexer::trim_space(v.substr(0, end));
  }
  const std::size_t semicolon = v.find(';');
  if (semicolon != std::string_view::npos) read_parameters(out, v.substr(semicolon));
}

// The place of the < of a name-addr; npos when the value is an addr-spec or its quote never ends.
std::size_t find_open(NameAddr& out) {
  const std::string_view v = out.value;
  if (v.empty()) return std::string_view::npos;
  if (v.front() == '<') return 0;
  if (v.front() == '"') {
    const std::size_t end = skip_quoted(v, 0);
    if (end == std::string_view::npos) {
      out.unbalanced = true;
      return end;
    }
    const std::size_t between = skip_space(v, end);
    const std::size_t open = between < v.size() && v[between] == '<' ? between : v.find('<', end);
    if (open == std::string_view::npos) {
      out.junk = true;  // a display name needs the brackets
      return open;
    }
    out.display = v.substr(0, end);
    if (between != open) out.bad_display = true;
    return open;
  }
  const std::size_t open = v.find('<');
  if (open == std::string_view::npos) return open;
  // A < inside the quoted value of a header parameter belongs to no name-addr.
  const std::size_t quote = v.substr(0, open).find('"');
  if (quote != std::string_view::npos && quote > 0 && v[quote - 1] == '=') return std::string_view::npos;
  out.display = lexer::trim_space(v.substr(0, open));
  judge_display(out);
  return open;
}

}  // namespace

bool ListReader::next(std::string_view& element) {
  while (!done_) {
    std::size_t i = 0;
    bool closed = true;
    while (i < rest_.size() && rest_[i] != ',') {
      if (rest_[i] == '"') {
        i = skip_quoted(rest_, i);
      } else if (rest_[i] == '<') {
        i = rest_.find('>', i);
        if (i != std::string_view::npos) ++i;
      } else {
        ++i;
      }
      if (i == std::string_view::npos) {
        closed = false;
        i = rest_.size();
      }
    }
    element = lexer::trim_space(rest_.substr(0, i));
    const bool only = !started_ && i == rest_.size();
    started_ = true;
    done_ = i == rest_.size();
    if (!done_) rest_.remove_prefix(i + 1);
    ok_ = ok_ && closed && (!element.empty() || only);
    if (!element.empty()) return true;
  }
  return false;
}

bool ParameterReader::next(Parameter& parameter) {
  ParameterCursor cursor{rest_, started_, ok_};
  const bool more = cursor.next(parameter);
  rest_ = cursor.rest;
  started_ = cursor.started;
  ok_ = cursor.ok;
  return more;
}

std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name) {
  ParameterReader reader(parameters);
  Parameter p;
  for (std::size_t number = 0; number < kMaxParameters && reader.next(p); ++number) {
    if (iequals(p.name, name)) return p.value;
  }
  return std::nullopt;
}

bool Via::has_cookie() const {
  return branch.size() >= 7 && iequals(branch.substr(0, 7), "z9hG4bK");
}

Via parse_via(std::string_view value) {
  Via out;
  const std::string_view v = lexer::trim_space(value);
  out.value = v;
  const auto slash = [v](std::size_t i) {
    i = skip_space(v, i);
    return i < v.size() && v[i] == '/' ? skip_space(v, i + 1) : std::string_view::npos;
  };
  constexpr std::string_view kUsual = "SIP/2.0/";
  std::size_t i = 0;
  std::size_t end = 0;
  bool sip = true;
  bool version = true;
  if (v.size() > kUsual.size() && std::memcmp(v.data(), kUsual.data(), kUsual.size()) == 0) {
    i = skip_space(v, kUsual.size());
  } else {
    i = skip_class(v, 0, kToken);
    sip = lexer::named(v.substr(0, i), "SIP");
    if ((i = slash(i)) == std::string_view::npos) return out;
    end = skip_class(v, i, kToken);
    version = end != i;  // whose number the start line already told
    if ((i = slash(end)) == std::string_view::npos) return out;
  }
  end = skip_class(v, i, kToken);
  out.transport = v.substr(i, end - i);
  i = skip_space(v, end);
  if (out.transport.empty() || i == end) return out;

  const std::size_t host = i;
  bool host_ok;
  if (i < v.size() && v[i] == '[') {
    i = v.find(']', i);
    if (i == std::string_view::npos) return out;
    ++i;
    host_ok = i - host > 4;
  } else {
    i = skip_class(v, i, kHost);
    host_ok = i != host;
  }
  out.host = v.substr(host, i - host);
  i = skip_space(v, i);
  bool port_ok = true;
  if (i < v.size() && v[i] == ':') {
    i = skip_space(v, i + 1);
    end = skip_class(v, i, kDigit);
    out.port = to_port(v.substr(i, end - i));
    port_ok = out.port != 0;
    i = skip_space(v, end);
  }

  const std::string_view tail = v.substr(i);
  bool parameters_ok = tail.empty() || tail.front() == ';' || tail.front() == ',';
  std::string_view rest = tail;
  if (!tail.empty() && tail.front() == ';') {
    ParameterCursor reader{tail};
    Parameter p;
    for (std::size_t number = 0; reader.next(p); ++number) {
      if (number == kMaxParameters) {
        parameters_ok = false;
        break;
      }
      if (lexer::named(p.name, "branch")) {
        if (out.branch.data() == nullptr) out.branch = p.value;
      } else if (lexer::named(p.name, "received")) {
        out.received = p.value;
      } else if (lexer::named(p.name, "rport")) {
        out.has_rport = true;
        out.rport = to_port(p.value);
      }
    }
    rest = reader.rest;
    parameters_ok = parameters_ok && reader.ok && (rest.empty() || rest.front() == ',');
  }
  out.value = lexer::trim_space(v.substr(0, v.size() - rest.size()));
  if (!tail.empty() && tail.front() == ';') out.parameters = out.value.substr(i + 1);
  out.sent_by_ok = sip && version && host_ok && port_ok;
  out.ok = out.sent_by_ok && parameters_ok;
  return out;
}

NameAddr parse_name_addr(std::string_view value) {
  NameAddr out;
  out.value = lexer::trim_space(value);
  if (out.value == "*") {
    out.star = out.ok = true;
    return out;
  }
  const std::size_t open = find_open(out);
  if (out.unbalanced) return out;
  if (open != std::string_view::npos) {
    read_name_addr(out, open);
  } else {
    read_addr_spec(out);
  }
  out.inner_space = lexer::has_uri_special(out.uri) &&
                    std::any_of(out.uri.begin(), out.uri.end(), [](char c) { return is(c, kSpace); });
  out.ok = !(out.uri.empty() || out.duplicate_tag || out.unbalanced || out.list || out.junk ||
             out.empty_parameter || out.inner_space || out.bare_special || out.bad_display ||
             out.too_many_parameters);
  return out;
}

CSeq parse_cseq(std::string_view value) {
  CSeq out;
  const std::string_view v = lexer::trim_space(value);
  const std::size_t digits = skip_class(v, 0, kDigit);
  const std::size_t method = skip_space(v, digits);
  out.method_name = v.substr(method);
  out.method = parse_method(out.method_name);
  const auto number = parse_number(v.substr(0, digits));
  if (!number || *number >= (1ULL << 31)) return out;
  out.number = static_cast<std::uint32_t>(*number);
  out.ok = method != digits && (out.method != Method::other || is_token(out.method_name));
  return out;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const std::string_view t = lexer::trim_space(text);
  if (t.empty()) return std::nullopt;
  std::uint64_t n = 0;
  if (t.size() <= 19) {  // cannot overflow
    for (char c : t) {
      if (!is(c, kDigit)) return std::nullopt;
      n = n * 10 + static_cast<unsigned>(c - '0');
    }
    return n;
  }
  for (char c : t) {
    if (!is(c, kDigit)) return std::nullopt;
    if (__builtin_mul_overflow(n, 10U, &n) || __builtin_add_overflow(n, static_cast<unsigned>(c - '0'), &n)) {
      return std::nullopt;
    }
  }
  return n;
}

AuthParams parse_auth(std::string_view value) {
  AuthParams out;
  std::string_view stale;
  const std::pair<std::string_view, std::string_view*> known[] = {{"username", &out.username},
                                                                  {"realm", &out.realm},
                                                                  {"nonce", &out.nonce},
                                                                  {"uri", &out.uri},
                                                                  {"response", &out.response},
                                                                  {"opaque", &out.opaque},
                                                                  {"algorithm", &out.algorithm},
                                                                  {"qop", &out.qop},
                                                                  {"nc", &out.nc},
                                                                  {"cnonce", &out.cnonce},
                                                                  {"stale", &stale}};
  const std::string_view v = lexer::trim_space(value);
  std::size_t i = skip_class(v, 0, kToken);
  out.scheme = v.substr(0, i);
  if (i == 0 || i == v.size() || !is(v[i], kSpace)) return out;
  while (true) {
    i = skip_space(v, i);
    const std::size_t name_end = skip_class(v, i, kToken);
    const std::string_view name = v.substr(i, name_end - i);
    i = skip_space(v, name_end);
    if (name.empty() || i == v.size() || v[i] != '=') return out;
    i = skip_space(v, i + 1);
    std::size_t end = i;
    if (i < v.size() && v[i] == '"') {
      end = skip_quoted(v, i);
      if (end == std::string_view::npos) return out;
    } else {
      while (end < v.size() && v[end] != ',' && v[end] != '"' && !is(v[end], kSpace)) ++end;
      if (end == i) return out;
    }
    for (const auto& [known_name, field] : known) {
      if (!iequals(name, known_name)) continue;
      if (field->data() != nullptr) return out;
      *field = unquote(v.substr(i, end - i));
    }
    i = skip_space(v, end);
    if (i == v.size()) break;
    if (v[i] != ',') return out;
    ++i;
  }
  out.stale = iequals(stale, "true");
  out.ok = true;
  return out;
}

}  // namespace sipward::sip

#include "excerpt.hpp"

#include <algorithm>

#include "sipward/sip/values.hpp"

namespace sipward::guardian {
namespace {

constexpr std::size_t kMaxLine = 200;
constexpr std::string_view kRedacted = "(redacted)";

bool is_uri_end(char c) {
  return c == '>' || c == '<' || c == ' ' || c == '\t' || c == '"' || c == ',';
}

// Where the user part behind `from` ends with an @, or npos.
std::size_t find_at(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i < text.size() && !is_uri_end(text[i]); ++i) {
    if (text[i] == '@') return i;
  }
  return std::string_view::npos;
}

// Case-insensitive: does `word` stand at this place?
bool stands_at(std::string_view text, std::size_t at, std::string_view word) {
  return text.size() - at >= word.size() && sip::iequals(text.substr(at, word.size()), word);
}

void append_printable(std::string& out, std::string_view text) {
  for (const char c : text) out += c >= 0x20 && c < 0x7F ? c : '?';
}

// Replaces sip:user:PASSWORD@ and ;tag=VALUE on the way.
void append_clean(std::string& out, std::string_view text) {
  text = text.substr(0, kMaxLine);
  for (std::size_t i = 0; i < text.size();) {
    if (stands_at(text, i, "sip:") || stands_at(text, i, "sips:")) {
      const std::size_t user = text.find(':', i) + 1;
      const std::size_t at = find_at(text, user);
      const std::size_t colon = at == std::string_view::npos ? at : text.substr(0, at).find(':', user);
      append_printable(out, text.substr(i, std::min(colon, user) - i));
      i = user;
      if (colon != std::string_view::npos) {
        append_printable(out, text.substr(user, colon - user + 1));
        out += kRedacted;
        i = at;
      }
    } else if (stands_at(text, i, "tag=")) {
      out += "tag=";
      out += kRedacted;
      i = std::min(text.find_first_of(";,> \t", i), text.size());
    } else {
      append_printable(out, text.substr(i++, 1));
    }
  }
}

bool holds_secrets(sip::HeaderId id) {
  return id == sip::HeaderId::authorization || id == sip::HeaderId::proxy_authorization ||
         id == sip::HeaderId::www_authenticate || id == sip::HeaderId::proxy_authenticate;
}

void append_auth(std::string& out, std::string_view value) {
  const auto auth = sip::parse_auth(value);
  if (auth.ok && sip::iequals(auth.scheme, "Digest")) {
    out += "Digest username=\"";
    append_printable(out, auth.username.substr(0, 64));
    out += "\", realm=\"";
    append_printable(out, auth.realm.substr(0, 64));
    out += "\", ";
  }
  out += kRedacted;
}

}  // namespace

std::string redacted_excerpt(const sip::Message& message) {
  std::string out;
  append_clean(out, message.start_line());
  out += '\n';
  for (const auto& header : message.headers()) {
    if (out.size() >= kMaxExcerpt) break;
    append_printable(out, header.name.substr(0, 64));
    out += ": ";
    if (holds_secrets(header.id)) {
      append_auth(out, header.value);
    } else if (header.id == sip::HeaderId::other) {
      out += "(" + std::to_string(header.value.size()) + " octets)";
    } else {
      append_clean(out, header.value);
    }
    out += '\n';
  }
  if (out.size() > kMaxExcerpt) out.resize(kMaxExcerpt);
  return out;
}

}  // namespace sipward::guardian

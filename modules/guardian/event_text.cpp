#include "event_text.hpp"

#include <boost/json.hpp>

#include "ban_json.hpp"

namespace sipward::guardian {
namespace {

// Printable ASCII without quotes, brackets, blanks and '%' stays; all else becomes %XX. With `words` blanks
// stay.
void append_escaped(std::string& out, std::string_view text, bool words) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain =
        octet > 0x20 && octet < 0x7F && c != '"' && c != '%' && c != '\\' && c != '[' && c != ']';
    if (plain || (words && c == ' ')) {
      out += c;
    } else {
      out += '%';
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    }
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text, true);
  return out;
}

}  // namespace

std::string ban_log_line(std::string_view guardian, const Event& event) {
  std::string line = rfc3339(event.at) + " sip_guardian[";
  append_escaped(line, guardian, false);
  line += "] ";
  if (event.shadow) line += "would_";
  line += std::string(to_string(event.kind)) + " " + event.prefix.to_string();
  if (event.port != 0) line += " port=" + std::to_string(event.port);
  if (event.ban) line += " scope=" + std::string(to_string(event.ban->scope));
  line += " reason=\"" + escaped(event.reason) + "\" source=\"" + escaped(event.source) + '"';
  if (event.ban) line += " evidence=" + std::string(sipward::to_string(event.ban->evidence));
  if (event.expires_at != WallTime{}) line += " expires=" + rfc3339(event.expires_at);
  return line;
}

std::string decision_json(std::string_view guardian, const Event& event) {
  boost::json::object out{{"at", rfc3339(event.at)},
                          {"id", event.id},
                          {"guardian", escaped(guardian)},
                          {"event", to_string(event.kind)},
                          {"ip", event.prefix.to_string()}};
  if (event.port != 0) out["port"] = event.port;
  out["reason"] = escaped(event.reason);
  out["source"] = escaped(event.source);
  if (!event.details.empty()) out["details"] = escaped(event.details);
  if (event.shadow) out["shadow"] = true;
  if (event.expires_at != WallTime{}) out["expires_at"] = rfc3339(event.expires_at);
  if (const auto& ban = event.ban) {
    out["scope"] = to_string(ban->scope);
    if (ban->scope == Scope::identity) out["user"] = escaped(ban->user_text);
    out["evidence"] = sipward::to_string(ban->evidence);
    out["proof"] = sipward::to_string(ban->proof);
    out["hits"] = ban->hits;
  }
  return boost::json::serialize(out);
}

}  // namespace sipward::guardian

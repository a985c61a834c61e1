#include "webhook_options.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "sipward/http.hpp"

namespace sipward::guardian {
namespace {

constexpr std::size_t kMaxUrl = 2'000;

bool stands_in_a_target(char c) {
  return c > ' ' && c < 0x7F && c != '"' && c != '<' && c != '>' && c != '\\' && c != '#';
}

bool is_host(std::string_view text) {
  if (const auto address = Address::parse(text)) return true;
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

unsigned bit_of(std::string_view word) {
  const auto bit = [](EventKind kind) { return 1U << static_cast<unsigned>(kind); };
  if (word == "ban") return bit(EventKind::ban);
  if (word == "unban") return bit(EventKind::unban);
  if (word == "enumeration") return bit(EventKind::enumeration);
  return bit(EventKind::attack);  // and its other name, suspicious
}

void read_one(config::Reader& b, WebhookOptions& o) {
  static constexpr std::array<std::string_view, 5> kEvents = {"ban", "unban", "attack", "suspicious",
                                                              "enumeration"};
  std::vector<std::string> events;
  b.words("events", events, kEvents);
  for (const auto& word : events) o.events |= bit_of(word);
  b.value("url", "an address such as https://hooks.example.com/sip", [&](const config::Arg& arg) {
    const auto url = WebhookUrl::parse(arg.text);
    if (url) o.url = *url;
    return url.has_value();
  });
  b.require("url");
  b.text("secret", o.secret);
  if (b.text("ca", o.ca) && !o.ca.empty() && !std::ifstream(o.ca)) b.warn("ca", o.ca + " can't be read");
  b.duration("timeout", o.timeout);
  b.number("retries", o.retries, 1U, 100U);
}

}  // namespace

std::string WebhookUrl::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (tls ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

std::optional<WebhookUrl> WebhookUrl::parse(std::string_view text) {
  WebhookUrl url;
  url.tls = text.starts_with("https://");
  if (text.size() > kMaxUrl || (!url.tls && !text.starts_with("http://"))) return std::nullopt;
  text.remove_prefix(url.tls ? 8 : 7);
  const auto path = std::min(text.find_first_of("/?"), text.size());
  const auto authority = text.substr(0, path);
  const auto host = host_of(authority);
  if (!is_host(host)) return std::nullopt;
  url.host = host;
  url.port = url.tls ? 443 : 80;
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    const auto port = config::parse_number(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
    url.port = static_cast<Port>(*port);
  }
  url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  if (!std::all_of(url.target.begin(), url.target.end(), stands_in_a_target)) return std::nullopt;
  return url;
}

void read_webhooks(config::Reader& reader, std::vector<WebhookOptions>& out) {
  reader.blocks("webhooks", [&](config::Reader& b) {
    WebhookOptions one;
    read_one(b, one);
    if (!one.url.host.empty() && std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
  });
}

}  // namespace sipward::guardian

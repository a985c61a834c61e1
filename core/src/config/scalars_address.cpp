#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "sipward/config/scalars.hpp"

namespace sipward::config {
namespace {

constexpr std::string_view kUnix = "unix/";
constexpr std::string_view kSrv = "srv/";

std::optional<Port> parse_port(std::string_view text) {
  Port port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || text.size() > 5 || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return port;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  if (text.find_first_not_of(kAllowed) != std::string_view::npos) return false;
  if (text.front() == '-' || text.front() == '.' || text.find("..") != std::string_view::npos) return false;
  // A last label of digits only is a mistyped address, never a name.
  const auto label = text.substr(text.rfind('.') == std::string_view::npos ? 0 : text.rfind('.') + 1);
  return label.empty() || label.find_first_not_of("0123456789") != std::string_view::npos;
}

struct Split {
  std::string host;
  std::optional<std::string_view> port;
};

// HOST, HOST:PORT, [v6], [v6]:PORT, :PORT.
std::optional<Split> split_host(std::string_view text) {
  Split result;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto address = Address::parse(text.substr(0, close + 1));
    if (!address) return std::nullopt;
    result.host = address->to_string();
    text.remove_prefix(close + 1);
    if (text.empty()) return result;
    if (text.front() != ':') return std::nullopt;
    result.port = text.substr(1);
    return result;
  }
  const auto colon = text.find(':');
  const auto host = text.substr(0, colon);
  if (!host.empty() && !is_host_name(host) && !Address::parse(host)) return std::nullopt;
  result.host = host;
  if (colon != std::string_view::npos) result.port = text.substr(colon + 1);
  return result;
}

std::optional<std::string> unix_path(std::string_view text) {
  if (!text.starts_with('/') || text.size() < 2 || text.size() >= sizeof(sockaddr_un::sun_path))
    return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

// Cuts "udp/" off the front; false when something else stands before the first slash.
bool take_transport(std::string_view& text, std::optional<Transport>& transport) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return true;
  transport = parse_transport(text.substr(0, slash));
  text.remove_prefix(slash + 1);
  return transport.has_value();
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string prefix(const std::optional<Transport>& transport) {
  return transport ? std::string(to_string(*transport)) + "/" : std::string();
}

}  // namespace

std::optional<Transport> parse_transport(std::string_view text) {
  for (auto transport : {Transport::udp, Transport::tcp, Transport::tls, Transport::ws, Transport::wss}) {
    if (text == sipward::to_string(transport)) return transport;
  }
  return std::nullopt;
}

std::optional<ListenAddress> parse_listen(std::string_view text) {
  ListenAddress result;
  if (text.starts_with(kUnix)) {
    auto path = unix_path(text.substr(kUnix.size()));
    if (!path) return std::nullopt;
    result.unix_path = std::move(*path);
    return result;
  }
  if (!take_transport(text, result.transport)) return std::nullopt;
  auto split = split_host(text);
  if (!split || !split->port) return std::nullopt;
  result.host = std::move(split->host);
  const auto dash = split->port->find('-');
  const auto first = parse_port(split->port->substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_port(split->port->substr(dash + 1));
  if (!first || !last || *first > *last || (*first == 0 && *last != 0)) return std::nullopt;
  result.first = *first;
  result.last = *last;
  return result;
}

std::string ListenAddress::to_string() const {
  if (!unix_path.empty()) return std::string(kUnix) + unix_path;
  auto text = prefix(transport) + bracketed(host) + ":" + std::to_string(first);
  if (last != first) text += "-" + std::to_string(last);
  return text;
}

std::optional<UpstreamAddress> parse_upstream(std::string_view text) {
  UpstreamAddress result;
  if (text.starts_with(kUnix)) {
    auto path = unix_path(text.substr(kUnix.size()));
    if (!path) return std::nullopt;
    result.unix_path = std::move(*path);
    return result;
  }
  if (text.starts_with(kSrv)) {
    result.srv = true;
    result.host = text.substr(kSrv.size());
    if (!is_host_name(result.host)) return std::nullopt;
    return result;
  }
  if (!take_transport(text, result.transport)) return std::nullopt;
  auto split = split_host(text);
  if (!split || split->host.empty()) return std::nullopt;
  result.host = std::move(split->host);
  if (split->port) {
    const auto port = parse_port(*split->port);
    if (!port || *port == 0) return std::nullopt;
    result.port = *port;
  }
  return result;
}

Port UpstreamAddress::port_or_default(Transport traffic) const {
  if (port != 0) return port;
  switch (transport.value_or(traffic)) {
    case Transport::tls:
      return 5061;
    case Transport::ws:
      return 80;
    case Transport::wss:
      return 443;
    case Transport::udp:
    case Transport::tcp:
      break;
  }
  return 5060;
}

std::string UpstreamAddress::to_string() const {
  if (!unix_path.empty()) return std::string(kUnix) + unix_path;
  if (srv) return std::string(kSrv) + host;
  auto text = prefix(transport) + bracketed(host);
  if (port != 0) text += ":" + std::to_string(port);
  return text;
}

}  // namespace sipward::config

#include "proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sipward::layer4 {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryHead = 16;

ProxyHeader broken() {
  ProxyHeader header;
  header.state = State::broken;
  return header;
}

ProxyHeader wants(std::size_t octets) {
  ProxyHeader header;
  header.needs = octets;
  return header;
}

std::optional<Port> port_of(std::string_view text) {
  Port port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool padded = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end != text.data() + text.size() || padded) return std::nullopt;
  return port;
}

// "TCP4 198.51.100.7 203.0.113.1 50123 5060" or "UNKNOWN …", without its line end.
ProxyHeader read_text(std::string_view line) {
  ProxyHeader header;
  header.state = State::complete;
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return header;
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto space = line.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == words.size())) return broken();
    words[i] = line.substr(0, space);
    if (i + 1 < words.size()) line.remove_prefix(space + 1);
  }
  const bool v4 = words[0] == "TCP4";
  const auto remote = Address::parse(words[1]), local = Address::parse(words[2]);
  const auto remote_port = port_of(words[3]), local_port = port_of(words[4]);
  if ((!v4 && words[0] != "TCP6") || !remote || !local || !remote_port || !local_port) return broken();
  if (v4 && (!remote->is_v4() || !local->is_v4())) return broken();
  header.remote = Endpoint{*remote, *remote_port};
  header.local = Endpoint{*local, *local_port};
  return header;
}

unsigned octet(std::string_view octets, std::size_t at) {
  return static_cast<unsigned char>(octets[at]);
}

std::size_t pair(std::string_view octets, std::size_t at) {
  return octet(octets, at) << 8 | octet(octets, at + 1);
}

Address address(std::string_view octets) {
  if (octets.size() == 4)
    return Address::v4(static_cast<std::uint32_t>(pair(octets, 0)) << 16 |
                       static_cast<std::uint32_t>(pair(octets, 2)));
  std::array<std::uint8_t, 16> bytes{};
  std::transform(octets.begin(), octets.end(), bytes.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return Address::v6(bytes);
}

ProxyHeader read_binary(std::string_view octets) {
  if (octets.size() < kBinaryHead) return wants(kBinaryHead - octets.size());
  const auto version = octet(octets, 12) >> 4, command = octet(octets, 12) & 15;
  const auto size = kBinaryHead + pair(octets, 14);
  if (version != 2 || command > 1 || size > ProxyHeader::kMostBinary) return broken();
  if (octets.size() < size) return wants(size - octets.size());
  ProxyHeader header;
  header.state = State::complete;
  const auto family = octet(octets, 13) >> 4;
  if (command == 0 || (family != 1 && family != 2)) return header;  // the balancer's own, or no address of IP
  const std::size_t width = family == 1 ? 4 : 16;
  auto body = octets.substr(kBinaryHead, size - kBinaryHead);
  if (body.size() < 2 * width + 4) return broken();
  header.remote = Endpoint{address(body.substr(0, width)), static_cast<Port>(pair(body, 2 * width))};
  header.local = Endpoint{address(body.substr(width, width)), static_cast<Port>(pair(body, 2 * width + 2))};
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view octets) {
  const auto common = std::min(octets.size(), kBinary.size());
  if (octets.substr(0, common) == kBinary.substr(0, common) && !octets.empty()) return read_binary(octets);
  const auto text = std::min(octets.size(), kText.size());
  if (octets.substr(0, text) != kText.substr(0, text)) return broken();
  const auto end = octets.find("\r\n");
  if (end != std::string_view::npos) return read_text(octets.substr(kText.size(), end - kText.size()));
  if (octets.size() >= ProxyHeader::kMostText) return broken();
  // The shortest is "PROXY UNKNOWN" and a line end.
  constexpr std::size_t kShortest = 15;
  return wants(octets.size() < kShortest ? kShortest - octets.size() : octets.ends_with('\r') ? 1 : 2);
}

}  // namespace sipward::layer4

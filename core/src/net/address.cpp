#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "sipward/net.hpp"

namespace sipward {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint64_t big_endian(const std::uint8_t* octets) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | octets[i];
  return value;
}

bool all(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::udp:
      return "udp";
    case Transport::tcp:
      return "tcp";
    case Transport::tls:
      return "tls";
    case Transport::ws:
      return "ws";
    case Transport::wss:
      return "wss";
  }
  return "unknown";
}

Address Address::v4(std::uint32_t host_order) {
  Address result;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), result.octets_.begin());
  for (std::size_t i = 0; i < 4; ++i)
    result.octets_[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return result;
}

Address Address::v6(const std::array<std::uint8_t, 16>& octets) {
  Address result;
  result.octets_ = octets;
  return result;
}

std::optional<Address> Address::parse(std::string_view text) {
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (bracketed) text = text.substr(1, text.size() - 2);
  // inet_pton wants a terminated string; what is longer than the longest address is none.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());

  if (text.find(':') == std::string_view::npos) {
    in_addr parsed{};
    if (bracketed || !all(text, "0123456789.") || inet_pton(AF_INET, terminated.data(), &parsed) != 1)
      return std::nullopt;
    return v4(ntohl(parsed.s_addr));
  }
  std::array<std::uint8_t, 16> octets{};
  if (!all(text, "0123456789abcdefABCDEF:.") || inet_pton(AF_INET6, terminated.data(), octets.data()) != 1)
    return std::nullopt;
  return v6(octets);
}

bool Address::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets_.begin());
}

std::uint32_t Address::v4_value() const {
  return static_cast<std::uint32_t>(low());
}

bool Address::is_unspecified() const {
  return is_v4() ? v4_value() == 0 : high() == 0 && low() == 0;
}

bool Address::is_loopback() const {
  return is_v4() ? v4_value() >> 24 == 127 : high() == 0 && low() == 1;
}

std::uint64_t Address::high() const {
  return big_endian(octets_.data());
}
std::uint64_t Address::low() const {
  return big_endian(octets_.data() + 8);
}

Address Address::masked(unsigned bits) const {
  std::size_t keep = bits;
  if (is_v4()) keep += 8 * kMappedPrefix.size();
  Address result = *this;
  for (std::size_t i = 0; i < result.octets_.size(); ++i) {
    if (keep >= 8 * (i + 1)) continue;
    const std::size_t in_octet = keep > 8 * i ? keep - 8 * i : 0;
    result.octets_[i] &= static_cast<std::uint8_t>(0xff00U >> in_octet);
  }
  return result;
}

Address source_of(const Address& address) {
  return address.is_v4() ? address : address.masked(64);
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, octets_.data() + (v4 ? kMappedPrefix.size() : 0), text.data(),
            text.size());
  return text.data();
}

std::string Endpoint::to_string() const {
  std::string text = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  return text + ":" + std::to_string(port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  // Without brackets nobody could tell the port of an IPv6 address from its last group.
  if (host.find(':') != std::string_view::npos && host.front() != '[') return std::nullopt;
  const auto address = Address::parse(host);
  if (!address || digits.empty() || digits.size() > 5) return std::nullopt;
  Port port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return Endpoint{*address, port};
}

Endpoint Endpoint::from(const sockaddr* address) {
  // Copied, because the caller's buffer need not be aligned for the type it holds.
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return {Address::v4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &in.sin6_addr, octets.size());
    return {Address::v6(octets), ntohs(in.sin6_port)};
  }
  return {};
}

}  // namespace sipward

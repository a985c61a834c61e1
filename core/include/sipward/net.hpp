#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace sipward {

using Port = std::uint16_t;

enum class Transport : std::uint8_t { udp, tcp, tls, ws, wss };
std::string_view to_string(Transport transport);  // "udp", "tcp", …

// True for everything that is not UDP: framed by Content-Length, proven by a handshake.
constexpr bool is_stream(Transport transport) {
  return transport != Transport::udp;
}

// An IP address as 16 octets, always in canonical form: IPv4 is kept as ::ffff:a.b.c.d and printed as
// a.b.c.d, so that 192.0.2.1 and ::ffff:192.0.2.1 are one address to bans, lists and buckets (RFC 5118 4.9).
// A value type; safe everywhere.
class Address {
 public:
  constexpr Address() = default;  // ::
  static Address v4(std::uint32_t host_order);
  static Address v6(const std::array<std::uint8_t, 16>& octets);
  // Dotted IPv4, or IPv6 with or without brackets; nothing else (no zone, no port). nullopt when it is not
  // one.
  static std::optional<Address> parse(std::string_view text);

  bool is_v4() const;
  std::uint32_t v4_value() const;  // host order; only when is_v4()
  bool is_unspecified() const;     // 0.0.0.0 or ::
  bool is_loopback() const;        // 127.0.0.0/8 or ::1
  const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  std::uint64_t high() const;  // first 8 octets as one number, host order
  std::uint64_t low() const;
  // The address with every bit after the prefix cleared; bits counts in the address's own family (0–32 or
  // 0–128).
  Address masked(unsigned bits) const;
  std::string to_string() const;

  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

// What limits, bans and the steering of workers count as one source: the address itself, of IPv6 its /64.
Address source_of(const Address& address);

struct Endpoint {
  Address address;
  Port port = 0;

  std::string to_string() const;  // 192.0.2.1:5060, [2001:db8::1]:5060
  // "ADDRESS:PORT" or "[v6]:PORT"; nullopt otherwise. No names.
  static std::optional<Endpoint> parse(std::string_view text);
  // sockaddr_in, or sockaddr_in6 (a mapped address becomes IPv4); port 0 for any other family.
  static Endpoint from(const sockaddr* address);
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct Cidr {
  Address base;       // masked
  unsigned bits = 0;  // in the address's own family: 0–32 or 0–128

  // "10.0.0.0/8", "2001:db8::/32" or a lone address (/32, /128). nullopt when malformed.
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const Address& address) const;
  std::string to_string() const;  // a host prefix prints without its length
  friend auto operator<=>(const Cidr&, const Cidr&) = default;
};

// A hash that an attacker who picks the input cannot aim, because the key is drawn when the process starts:
// SipHash-1-3. Every table keyed by something from the network uses it.
struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
  static HashKey random();  // from the kernel
};
std::uint64_t keyed_hash(const HashKey& key, std::string_view octets);
std::uint64_t keyed_hash(const HashKey& key, const Endpoint& endpoint);
std::uint64_t keyed_hash(const HashKey& key, const Address& address);

}  // namespace sipward

template <>
struct std::hash<sipward::Address> {  // for containers that only configuration fills
  std::size_t operator()(const sipward::Address& a) const noexcept {
    return static_cast<std::size_t>(a.high() * 0x9E3779B97F4A7C15ULL ^ a.low());
  }
};
template <>
struct std::hash<sipward::Endpoint> {
  std::size_t operator()(const sipward::Endpoint& e) const noexcept {
    return std::hash<sipward::Address>{}(e.address) * 31 + e.port;
  }
};

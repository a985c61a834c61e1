#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sipward/net.hpp"

// The values of the language, for options and for bodies of the admin API alike. Every parse function takes
// the whole text, checks every overflow, and gives nullopt for what is not exactly such a value.
namespace sipward::config {

inline constexpr std::chrono::milliseconds kMaxDuration = std::chrono::hours(24) * 36500;

// 300ms 1.5h 2h45m 10d, and 0. Units ms s m h d, each at most once and from great to small. Not negative, at
// most kMaxDuration; fractions of a millisecond are cut off, but something is never cut to nothing.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);  // 2h45m; 0s

// 65535, 64KiB, 1.5MiB, 10MB. Units B, KiB MiB GiB TiB (1024) and kB KB MB GB TB (1000). At most 2^63 - 1.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t octets);  // the greatest power of 1024 that divides it: 64KiB, 65535

// A whole number in plain digits, with an optional minus.
std::optional<std::int64_t> parse_number(std::string_view text);

// on and true, off and false.
std::optional<bool> parse_flag(std::string_view text);

// Token bucket: `count` per `per`, and at most `burst` at once.
struct Rate {
  std::uint32_t count = 0;
  std::chrono::milliseconds per{1000};
  std::uint32_t burst = 0;
  friend bool operator==(const Rate&, const Rate&) = default;
};
// 10/s, 600/m, 5/30s, each with or without `burst N`; absent, burst is the count. Both are at least 1.
std::optional<Rate> parse_rate(std::string_view text);
std::string format_rate(const Rate& rate);  // 10/s burst 20

std::optional<Transport> parse_transport(std::string_view text);  // udp tcp tls ws wss

// What to listen on: udp/:5060, tcp/192.0.2.1:5060, tls/[2001:db8::1]:5061, udp/:10000-10010, :2020,
// localhost:2020, unix//run/x.sock.
struct ListenAddress {
  std::optional<Transport> transport;  // none written: an HTTP site
  std::string host;                    // a name or an address without brackets; empty: every interface
  Port first = 0;                      // 0: any free port
  Port last = 0;                       // equals first unless a range was written
  std::string unix_path;               // then the rest is empty

  std::string to_string() const;
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};
std::optional<ListenAddress> parse_listen(std::string_view text);

// Where to send to: udp/pbx:5060, tcp/[2001:db8::1]:5060, pbx:5060, srv/_sip._udp.example.com,
// unix//run/x.sock.
struct UpstreamAddress {
  std::optional<Transport> transport;  // none written: that of the traffic
  std::string host;                    // a name or an address without brackets; for srv the name to ask for
  Port port = 0;                       // 0: none written
  bool srv = false;
  std::string unix_path;  // then the rest is empty

  std::optional<Address> address() const { return Address::parse(host); }  // when host is a literal
  // What was written, or 5060; 5061 for tls, 80 for ws, 443 for wss (RFC 3261 19.1.2, RFC 7118).
  Port port_or_default(Transport traffic = Transport::udp) const;
  std::string to_string() const;
  friend bool operator==(const UpstreamAddress&, const UpstreamAddress&) = default;
};
std::optional<UpstreamAddress> parse_upstream(std::string_view text);

}  // namespace sipward::config

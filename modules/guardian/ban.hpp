#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sipward/sip/header.hpp"
#include "sipward/sources.hpp"

namespace sipward::guardian {

// Why something was decided. A closed set: each is a label value of metrics and the `reason` of a ban.
enum class Reason : std::uint8_t {
  none,
  null_bytes,        // octet 0 where no octet 0 may be
  binary_injection,  // control octets, or what is not UTF-8, in the structure of a message
  validation,        // any other rule of validation
  broken_stream,     // a stream that is no SIP, or stops in the middle of a message
  scanner,           // the form of a known tool
  wrong_password,    // the PBX refused credentials made for its own challenge
  unknown_user,      // the PBX does not know who is called or registered
  forbidden,         // the PBX refuses credentials for good
  stale_nonce,       // credentials for a challenge that was never sent there, or many stale ones
  flood,
  rate_limit,
  packet_rate,  // over the cap that always stands
  banned,       // it was banned before
  soft_block,   // it was soft-blocked before
  // Enumeration (unresolved.hpp): users that the PBX never accepted from there,
  count_threshold,     // many of them
  sequential_pattern,  // with numbers in a row
  rapid_fire,          // many in a short time
  failed_auth,         // failed_auth_ban: the weight of failed authentications
  resent,              // an answer that was sent often enough to somebody unproven
  geoip,               // where it is, nobody may call from
  other,               // a ban for a reason given in words: by hand, by a feed
};
inline constexpr std::size_t kReasons = 22;
std::string_view to_string(Reason reason);
// What that name stands for; `other` for a name that is none of them.
Reason reason_of(std::string_view name);

// What a ban holds for.
enum class Scope : std::uint8_t {
  address,   // one address (IPv6: its /64)
  network,   // a wider prefix
  flow,      // one address and port
  identity,  // one user, as long as the address is this one
};
std::string_view to_string(Scope scope);
std::optional<Scope> scope_of(std::string_view name);

// The first octets of a user's name, to be shown.
class ShortText {
 public:
  ShortText() = default;
  explicit ShortText(std::string_view text)
      : size_(static_cast<std::uint8_t>(text.size() < kMost ? text.size() : kMost)) {
    text.copy(octets_.data(), size_);
  }
  std::string_view view() const { return {octets_.data(), size_}; }

 private:
  static constexpr std::size_t kMost = 15;
  std::array<char, kMost> octets_{};
  std::uint8_t size_ = 0;
};

// One thing that spoke against a source, as kept to explain a ban.
struct Signal {
  Time at{};
  Reason reason = Reason::none;
  sip::Method method = sip::Method::other;
  std::uint16_t status = 0;  // of the PBX's answer; 0 for the guardian's own finding
  std::uint16_t weight = 0;
  Proof proof = Proof::none;
  Transport transport = Transport::udp;
  ShortText user = {};
};

// A ban, as it is given to the store, and as a copy of what the store knew when it was asked: hits go on.
struct Ban {
  Ban() = default;
  Ban(Scope s, const Cidr& p, Port flow_port, std::uint64_t user_key)
      : scope(s), prefix(p), port(flow_port), user(user_key) {}

  std::uint64_t id = 0;  // ascending in the order of banning
  Scope scope = Scope::address;
  Cidr prefix;             // for flow and identity the address (IPv6: its /64)
  Port port = 0;           // scope flow
  std::uint64_t user = 0;  // scope identity: keyed hash of the user
  std::string user_text;   // and the user, as the PBX named it
  std::string reason;
  std::string source;  // "guardian", "admin"
  bool automatic = true;
  Evidence evidence = Evidence::unproven;
  Proof proof = Proof::none;
  WallTime banned_at{};
  WallTime expires_at{};
  Time expires{};
  std::vector<Signal> signals;
  std::string excerpt;  // of the message that led to it, without secrets
  std::uint64_t hits = 0;
};
using BanPtr = std::shared_ptr<const Ban>;

inline bool covers_whole_addresses(const Ban& ban) {
  return ban.scope == Scope::address || ban.scope == Scope::network;
}

// How often a target was banned by itself within BanStore::kRepeatMemory, for ban_escalation.
struct RepeatRecord {
  Scope scope = Scope::address;
  Cidr prefix;
  Port port = 0;
  std::string user_text;
  unsigned bans = 0;
  WallTime last{};
};

// What was kept of an instance's bans: with wall-clock times only (a signal's `at` counts from the epoch
// too), and users without their hash.
struct KeptBans {
  std::vector<std::unique_ptr<Ban>> bans;
  std::vector<RepeatRecord> repeats;
};

// A soft block as shown to people; the worker that made it holds the one that bites.
struct SoftBlockRecord {
  Address address;  // IPv6: its /64
  WallTime since{};
  WallTime until_wall{};
  Time until{};
  Reason reason = Reason::none;
  std::vector<Signal> signals;
  std::string excerpt;
};

}  // namespace sipward::guardian

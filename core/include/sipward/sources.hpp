#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"

namespace sipward {

class Packet;
struct Peer;
namespace sip {
class Message;
enum class Method : std::uint8_t;
}  // namespace sip

// How well something is known to come from the address it names.
enum class Evidence : std::uint8_t {
  unproven,  // a lone UDP packet: anybody may have forged it
  proven,    // a handshake; or it echoed what was sent to that address
  trusted,   // behind an accepted registration or call
};
enum class Proof : std::uint8_t { none, handshake, nonce, to_tag, options, registration };
std::string_view to_string(Evidence evidence);
std::string_view to_string(Proof proof);

struct Standing {
  Evidence evidence = Evidence::unproven;
  Proof proof = Proof::none;
};

// What is remembered of a request that was let through, until 32 s after its last message (Timer F, J), or
// 180 s after the last provisional response to an INVITE (Timer C). Matched by Via branch and CSeq
// (RFC 3261 17.1.3) and Call-ID, without the branch's magic cookie also by From tag. Lives in its worker's
// table: never keep the pointer.
struct Transaction {
  std::uint64_t key = 0;
  Time expires{};
  Endpoint remote;  // of the client; with the fields below it makes the Peer again
  Endpoint local;
  std::uint64_t connection = 0;
  std::uint32_t listener = 0;
  std::uint32_t route = 0;  // RouteId and HandlerId of packet.hpp
  std::uint16_t handler = 0;
  Transport transport = Transport::udp;
  sip::Method method{};
  Proof proof = Proof::none;          // what the request proved
  bool credentials = false;           // the request carried Authorization or Proxy-Authorization
  bool nonce_known = false;           // …with a nonce that was sent to this very address
  bool in_dialog = false;             // it had a To tag
  bool registration_ends = false;     // REGISTER with Expires 0 or every Contact expiring
  bool binds = false;                 // REGISTER with a Contact
  bool judged = false;                // its final response was already counted (free for guards to set)
  std::uint16_t tag = 0;              // free for the handler that forwarded (which upstream socket, …)
  std::uint64_t credential_user = 0;  // keyed hash of the credentials' username
  std::uint64_t target_user = 0;      // keyed hash of To user (REGISTER) or Request-URI user
  std::uint64_t contact = 0;          // keyed hash of the first Contact URI of a REGISTER
  std::uint64_t content = 0;  // keyed hash of what a retransmission repeats: URIs, Contacts, credentials

  Peer peer() const;
};

// What one worker knows about the sources it owns: who proved its address and how, which registrations and
// dialogs are live, which transactions are open. Kept up to date by core from the messages that really pass,
// so it survives a reload and serves every handler. Every table is bounded, keyed by a secret hash, and
// forgets the oldest unproven entry of a small neighbourhood first: what attackers add can't push out a
// chosen victim. All calls on the owning worker only.
class Sources {
 public:
  struct Limits {
    std::size_t transactions = 1 << 15;  // of unproven sources, and as many of proven ones
    std::size_t tags = 1 << 16;          // challenges and To tags sent, remembered for at least a while
    std::size_t proven = 1 << 15;        // (address, port) pairs that proved themselves
    std::size_t registrations = 1 << 16;
  };
  Sources(const HashKey& key, const Limits& limits);
  ~Sources();
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  // How well this address and port is known, for datagrams: proven for 10 min after its last proof, trusted
  // while a registration made through it lives (then `proof` is registration), and for 10 min after a call of
  // it was accepted or something of that call came.
  Standing standing(const Endpoint& source, Time now) const;
  // The same of a client; a stream is known by its connection, and proven by its handshake in any case.
  Standing standing(const Peer& client, Time now) const;
  // Live registrations that came from the address (IPv6: from its /64), by any port.
  std::size_t registrations(const Address& address, Time now) const;
  // Those of them that belong to others: to users without a registration through this very address and port.
  std::size_t registrations_of_others(const Endpoint& source, Time now) const;
  // The most that lived there at once within a week, those of now included: known also after they ended, and
  // after a restart. Scales what an address may take; it proves nothing.
  std::size_t regulars(const Address& address, Time now) const;
  // Whether that user (AoR user part, escapes decoded) is registered from the address (IPv6: from its /64).
  bool is_registered(const Address& address, std::string_view user, Time now) const;
  // The client of a live registration for a Request-URI that the upstream sends to a shared socket: by the
  // Contact URI that was registered. False when there is none. RFC 3261 10.
  bool find_registration(std::string_view contact_uri, Time now, Peer& out) const;
  // The client of a dialog that went through unproven (no registration): by Call-ID and the tag that the
  // client chose. False when there is none.
  bool find_dialog(std::string_view call_id, std::string_view client_tag, Time now, Peer& out) const;

  std::uint64_t hash(std::string_view text) const;  // the key of credential_user, target_user, contact
  const HashKey& key() const;

  struct Sizes {
    std::size_t transactions = 0, proven = 0, registrations = 0, dialogs = 0;
  };
  Sizes sizes() const;  // for gauges; readable from any thread

  // --- what core calls
  // --------------------------------------------------------------------------------------- An inbound
  // message was parsed: finds and records what it proves.
  Proof inbound(sip::Message& message, const Peer& peer, Time now);
  // A message leaves to the client: remembers challenges and tags; a 2xx to a proven REGISTER registers.
  void outbound(sip::Message& message, const Peer& peer, const Transaction* transaction, Time now);
  // The transaction of a message, among those that came in by that listener. A request that has a
  // transaction's identifiers but asks something else, or with other credentials, is no part of it.
  Transaction* find(sip::Message& message, std::uint32_t listener, Time now);
  // Walks what regulars() knows: (address, most, until). Rare.
  void for_each_regular(Time now, const std::function<void(const Address&, std::size_t, Time)>& visit) const;
  void restore_regular(const Address& address, std::size_t most, Time until, Time now);
  // nullptr for an ACK, and when another client or another request holds the identifiers.
  Transaction* begin(sip::Message& message, const Peer& peer, Proof proof, Time now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sipward

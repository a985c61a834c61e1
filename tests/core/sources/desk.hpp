#pragma once

#include <string>

#include "sipward/packet.hpp"
#include "sipward/sources.hpp"
#include "sipward/testing/fake_clock.hpp"
#include "sipward/testing/sip_text.hpp"

namespace sipward::test {

inline SipText sip_of(const char* method) {
  SipText text;
  text.method = method;
  return text;
}

inline Peer udp_client(const char* remote, std::uint32_t listener = 0) {
  Peer peer;
  peer.remote = *Endpoint::parse(remote);
  peer.local = *Endpoint::parse("192.0.2.1:5060");
  peer.listener = listener;
  return peer;
}

inline Peer tcp_client(const char* remote, ConnectionId connection) {
  auto peer = udp_client(remote);
  peer.transport = Transport::tcp;
  peer.connection = connection;
  return peer;
}

// A Sources with a clock, fed with texts the way core feeds it.
class Desk {
 public:
  explicit Desk(const Sources::Limits& limits = {}) : sources(HashKey{1, 2}, limits) {}

  Proof in(const std::string& text, const Peer& peer) {
    parse(text);
    return sources.inbound(message, peer, clock.now());
  }
  Transaction* begin(const std::string& text, const Peer& peer) {
    const auto proof = in(text, peer);
    return sources.begin(message, peer, proof, clock.now());
  }
  Transaction* find(const std::string& text, std::uint32_t listener = 0) {
    parse(text);
    return sources.find(message, listener, clock.now());
  }
  void out(const std::string& text, const Peer& peer) {
    parse(text);
    auto* transaction =
        message.kind() == sip::Kind::response ? sources.find(message, peer.listener, clock.now()) : nullptr;
    sources.outbound(message, peer, transaction, clock.now());
  }

  Standing standing(const Peer& peer) const { return sources.standing(peer.remote, clock.now()); }
  std::size_t registrations(const Peer& peer) const {
    return sources.registrations(peer.remote.address, clock.now());
  }
  bool registered(const Peer& peer, std::string_view user) const {
    return sources.is_registered(peer.remote.address, user, clock.now());
  }
  // The remote of the client registered there, or "" when there is none.
  std::string way_to(std::string_view contact) const {
    Peer peer;
    return sources.find_registration(contact, clock.now(), peer) ? peer.remote.to_string() : "";
  }
  std::string way_to_dialog(std::string_view call_id, std::string_view tag) const {
    Peer peer;
    return sources.find_dialog(call_id, tag, clock.now(), peer) ? peer.remote.to_string() : "";
  }

  FakeClock clock;
  Sources sources;
  sip::Message message;

 private:
  void parse(const std::string& text) {
    kept_ = text;
    message.parse(kept_, sip::Framing::datagram);
  }
  std::string kept_;
};

inline std::string challenge(const char* nonce, const char* header = "WWW-Authenticate") {
  return std::string(header) + ": Digest realm=\"pbx\", nonce=\"" + nonce + "\"\r\n";
}
inline std::string credentials(const char* nonce, const char* user = "alice",
                               const char* header = "Authorization") {
  return std::string(header) + ": Digest username=\"" + user + "\", realm=\"pbx\", nonce=\"" + nonce +
         "\", uri=\"sip:example.com\", response=\"00112233445566778899aabbccddeeff\"\r\n";
}

// A REGISTER of alice. Each one has a branch and a CSeq of its own.
struct Registering {
  SipText text;
  Registering() {
    text.method = "REGISTER";
    text.uri = "sip:example.com";
    text.from = text.to = "<sip:alice@example.com>";
    text.call_id = "reg-1";
  }
  SipText& next(const std::string& extra) {
    ++text.cseq;
    text.branch = "z9hG4bKreg" + std::to_string(text.cseq);
    text.extra = extra;
    return text;
  }
};

// Registers by digest; `answer` is whole lines of the 200, nullptr: the request's Contact with expires=3600.
inline void register_proven(Desk& desk, Registering& r, const Peer& peer, const std::string& contact_lines,
                            const char* answer = nullptr) {
  const auto first = r.next(contact_lines);
  desk.begin(first.request(), peer);
  const auto nonce = "nonce-" + std::to_string(first.cseq) + first.call_id;
  desk.out(first.response(401, "pbx", challenge(nonce.c_str())), peer);
  const auto second = r.next(contact_lines + credentials(nonce.c_str()));
  desk.begin(second.request(), peer);
  desk.out(second.response(200, "pbx", answer ? answer : contact_lines + "Expires: 3600\r\n"), peer);
}

}  // namespace sipward::test

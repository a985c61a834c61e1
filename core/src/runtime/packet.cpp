#include "sipward/packet.hpp"

#include <algorithm>
#include <cstring>

#include "runtime/own_reply.hpp"
#include "sipward/worker.hpp"

namespace sipward {
namespace {

// A WebSocket message is one SIP message, whatever its Content-Length (RFC 7118 5).
bool framed_by_length(Transport transport) {
  return is_stream(transport) && transport != Transport::ws && transport != Transport::wss;
}

}  // namespace

void Packet::assign(const Peer& peer, std::string_view octets) {
  peer_ = peer;
  octets_ = octets;
  keep_alive_ = raw_ = parsed_ = proof_known_ = transaction_known_ = false;
  transaction_ = nullptr;
}

Time Packet::now() const {
  return worker_->now();
}

sip::Message& Packet::sip() {
  if (!parsed_) {
    parsed_ = true;
    message_.parse(octets_, framed_by_length(peer_.transport) && direction_ == Direction::inbound
                                ? sip::Framing::stream
                                : sip::Framing::datagram);
  }
  return message_;
}

Proof Packet::proof() {
  if (!proof_known_) {
    proof_known_ = true;
    proof_ = direction_ == Direction::outbound ? Proof::none
             : is_stream(peer_.transport)      ? Proof::handshake
             : keep_alive_                     ? Proof::none
                                               : worker_->sources().inbound(sip(), peer_, now());
  }
  return proof_;
}

Standing Packet::standing() {
  const auto own = proof();
  const auto known = worker_->sources().standing(peer_, now());
  if (own == Proof::none || known.evidence == Evidence::trusted) return known;
  return {Evidence::proven, own};
}

Transaction* Packet::transaction() {
  if (!transaction_known_) {
    transaction_known_ = true;
    const auto kind = sip().kind();
    const bool answer = direction_ == Direction::outbound && kind == sip::Kind::response;
    if (answer || (direction_ == Direction::inbound && kind == sip::Kind::request)) {
      transaction_ = worker_->sources().find(message_, peer_.listener, now());
      if (transaction_ && !answer &&
          (transaction_->remote != peer_.remote || transaction_->connection != peer_.connection))
        transaction_ = nullptr;
    }
  }
  return transaction_;
}

Transaction* Packet::begin_transaction() {
  if (auto* open = transaction()) {
    open->route = peer_.route;  // a reload may have given the retransmission another way
    open->handler = peer_.handler;
    return open;
  }
  const auto sender = proof();
  transaction_ = worker_->sources().begin(sip(), peer_, sender, now());
  return transaction_;
}

OwnTag own_reply_tag(const HashKey& key, sip::Message& message) {
  std::array<char, 768> buffer;
  std::size_t used = 0;
  const auto add = [&](std::string_view part) {
    const auto n = std::min(part.size(), buffer.size() - used - 1);
    used += part.copy(buffer.data() + used, n);
    buffer[used++] = '\n';
  };
  add(message.via().branch.substr(0, 128));
  add(message.from().tag.substr(0, 128));
  add(message.call_id().substr(0, 500));
  auto hash = keyed_hash(key, std::string_view(buffer.data(), used));
  OwnTag tag;
  tag.text_[0] = 's';
  tag.text_[1] = 'w';
  for (std::size_t i = 2; i < tag.text_.size(); ++i, hash >>= 4) tag.text_[i] = "0123456789abcdef"[hash & 15];
  return tag;
}

bool acknowledges_own_reply(const HashKey& key, sip::Message& message) {
  if (message.method() != sip::Method::ack) return false;
  const auto tag = message.to().tag;
  return tag.size() == OwnTag().text().size() && tag.starts_with("sw") &&
         tag == own_reply_tag(key, message).text();
}

}  // namespace sipward

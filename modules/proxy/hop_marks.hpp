#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sipward/packet.hpp"
#include "sipward/sip/message.hpp"

namespace sipward::proxy {

// Who sent a request. A client may reconnect in the middle of a transaction, so its port says nothing; an
// upstream's port is where its answer goes.
struct Sender {
  Endpoint remote;
  bool upstream = false;
};

// Where an answer finds what its request left behind.
struct Place {
  std::size_t worker = 0;
  std::uint32_t listener = 0;
};

// Between which client and which upstream a dialog or registration goes.
struct Flow {
  Peer client;
  Endpoint upstream;
};

// Our own Via branch (RFC 3261 16.11, 17.2.3).
class Branch {
 public:
  static constexpr std::size_t kSize = 7 + 6 + 26;
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  friend class Marks;
  std::array<char, kSize> text_{};
};

// What we write into messages to know it again when it comes back: only we can compute it, and we keep
// nothing of it. Immutable; safe on every worker.
class Marks {
 public:
  explicit Marks(const HashKey& key) : key_(key) {}

  // The same for a request, its retransmissions, its CANCEL and the ACK to its refusal. `top` is the
  // sender's own Via; `message` is the request or any answer to it.
  Branch branch(const sip::Via& top, sip::Message& message, const Sender& sender, const Place& place) const;
  // Of a branch that has the form of ours; whether it is ours only branch() can tell.
  static bool read_place(std::string_view branch, Place& out);

  // Appends a user part that stands for the flow. Read back only together with the same `bound`: a Call-ID,
  // so that one dialog's route is no good for another, or nothing.
  void write_flow(const Flow& flow, std::string_view bound, std::string& out) const;
  bool read_flow(std::string_view user, std::string_view bound, Flow& out) const;
  // Whether it may be one that we wrote before a restart.
  static bool has_form(std::string_view user);

 private:
  HashKey key_;
};

}  // namespace sipward::proxy

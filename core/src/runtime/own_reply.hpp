#pragma once

#include <array>
#include <string_view>

#include "sipward/net.hpp"
#include "sipward/sip/message.hpp"

namespace sipward {

// The To tag of our own stateless answers: a function of the request that only we can compute, so that an ACK
// which carries it is known to be for us (RFC 3261 8.2.7, 17.2.1) without keeping state.
class OwnTag {
 public:
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  friend OwnTag own_reply_tag(const HashKey& key, sip::Message& message);
  std::array<char, 18> text_{};
};
OwnTag own_reply_tag(const HashKey& key, sip::Message& message);

// Whether this ACK acknowledges an answer of ours.
bool acknowledges_own_reply(const HashKey& key, sip::Message& message);

}  // namespace sipward

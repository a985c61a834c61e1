#pragma once

#include <cstdint>

#include "bounded_table.hpp"
#include "sipward/net.hpp"
#include "sipward/sip/message.hpp"

namespace sipward::guardian {

// Instead of a method: the INVITE together with its CANCEL and ACK, which repeat all but the method.
inline constexpr std::uint64_t kOpenInviteKind = 0x1A7;

// What a retransmission, and the answer to either, repeats: branch, Call-ID and the number of CSeq, with the
// method or kOpenInviteKind. By keyed hash, of one source.
inline std::uint64_t transaction_key(const HashKey& key, std::uint64_t source, sip::Message& message,
                                     std::uint64_t kind) {
  std::uint64_t hash = mix(source, keyed_hash(key, message.via().branch));
  hash = mix(hash, keyed_hash(key, message.call_id()));
  hash = mix(hash, message.cseq().number);
  return mix(hash, kind);
}

}  // namespace sipward::guardian

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "exchange.hpp"
#include "options.hpp"
#include "sipward/packet.hpp"

namespace sipward::respond {

// A request that is being answered: lives on the stack of one hook. Its key is the same for an INVITE, its
// retransmissions and its CANCEL, and nobody without the process's secret can guess it; written in hex it is
// our To tag, so a tag that comes back leads to the call and proves that its sender got our answer.
class Request {
 public:
  Request(Packet& packet, sip::Message& message, Exchange& exchange, WorkerCalls& calls,
          const Options& options);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  Packet& packet;
  sip::Message& message;
  Exchange& exchange;
  WorkerCalls& calls;
  const Options& options;

  std::uint64_t key() const { return key_; }
  std::uint64_t identity() const { return identity_; }  // hash of Call-ID and the caller's tag
  std::uint64_t via() const;                            // hash of the topmost Via
  bool has_tag() const { return !message.to().tag.empty(); }
  std::string_view our_tag() const { return {tag_.data(), tag_.size()}; }
  // The call that its To tag or, without one, its INVITE's key leads to; nullptr when there is none.
  Call* call() const;
  bool knows(const sip::Uri& uri) const;  // whether the stand-in has that user

  // Sends an answer. `headers` are whole lines.
  void answer(int status, std::string_view headers = {}, std::string_view sdp = {}) const;

 private:
  std::uint64_t key_ = 0;
  std::uint64_t identity_ = 0;
  std::array<char, 16> tag_{};
};

// "application/sdp" without its parameters, without case.
bool is_sdp(const sip::Message& message);
// Header lines that several answers share.
inline constexpr std::string_view kAllow =
    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, UPDATE, INFO, MESSAGE\r\n";
inline constexpr std::string_view kAccept = "Accept: application/sdp\r\n";
inline constexpr std::string_view kTryAgain = "Retry-After: 5\r\n";

}  // namespace sipward::respond

// The SIP that the load is made of: requests as a desk phone writes them, and a PBX's 200.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sipward::bench {

enum class Method { options, register_user, invite, ack, bye };

[[nodiscard]] std::string_view to_text(Method method);

constexpr std::size_t kLargestMessage = 4096;

struct Phone {
  std::string contact;  // IP:PORT
  std::string user;
};

// What makes one request different from all others: `run` is random and the same for a whole run.
struct RequestId {
  std::uint64_t run;
  std::uint32_t sequence;
};

// Writes the request into `out` and returns its length. `server` is IP:PORT. An ACK or a BYE belongs to
// the call that the INVITE with the same id opened.
[[nodiscard]] std::size_t write_request(Method method, RequestId id, const Phone& phone,
                                        std::string_view server, std::span<char, kLargestMessage> out);

// Writes the 200 to `request` into `out` and returns its length; 0 when nothing is to be answered (an ACK,
// a response, no SIP at all). `contact` is the IP:PORT of the PBX.
[[nodiscard]] std::size_t write_answer(std::string_view request, std::string_view contact,
                                       std::span<char, kLargestMessage> out);

struct Reply {
  int status;
  Method method;
  RequestId id;
};

// Reads a reply to a request of write_request(); nothing when it is not one.
[[nodiscard]] std::optional<Reply> read_reply(std::string_view message);

}  // namespace sipward::bench

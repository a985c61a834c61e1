#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sipward::websocket {

// Close codes (RFC 6455 7.4.1).
enum class Close : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  policy = 1008,
  too_large = 1009,
};

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// A frame of a server, which masks nothing (RFC 6455 5.1): its head, to be followed by the payload.
std::string frame_head(Opcode opcode, std::size_t payload);

bool is_utf8(std::string_view text);

// Takes the frames of a client apart, whatever pieces they come in (RFC 6455 5). Holds no payload but that of
// control frames.
class FrameReader {
 public:
  struct Limits {
    std::size_t message = 65535;
    unsigned fragments = 32;
  };
  enum class What : std::uint8_t {
    more,         // all that was given is used up, or there is no room for more
    message_end,  // what was written by this call and those before it is a message; it may be empty
    ping,         // control() is its payload
    pong,
    close,  // control() is its payload: a code and a reason, or nothing
    fault,  // see close_code and fault; nothing more can be read
  };
  struct Step {
    What what = What::more;
    std::size_t taken = 0;  // octets of `in`
    std::size_t given = 0;  // octets written to `out`
    Close close_code = Close::normal;
    std::string_view fault{};  // a literal
  };

  explicit FrameReader(const Limits& limits) : limits_(limits) {}
  // Unmasked payload goes to `out`, which may be the same memory as `in`, or begin before it. A message's
  // last octets are always written by the call that says message_end.
  Step read(std::span<const char> in, std::span<char> out);
  // Whether read() could go on without any octet more, had it had room.
  bool owes() const { return in_payload_ && final_ && left_ == 0 && !is_control(); }
  const std::string& control() const { return control_; }

 private:
  std::size_t head_size() const;
  std::optional<Step> begin_frame();
  Step failed(std::size_t taken, std::size_t given, Close code, std::string_view fault) const;
  bool is_control() const { return opcode_ >= 8; }

  Limits limits_;
  std::array<unsigned char, 14> head_{};
  std::size_t head_have_ = 0;
  bool in_payload_ = false, final_ = false, in_message_ = false;
  unsigned opcode_ = 0, fragments_ = 0;
  std::array<unsigned char, 4> mask_{};
  std::uint64_t left_ = 0, at_ = 0;  // of this frame's payload
  std::size_t message_ = 0;          // octets so far
  // The last octet of a fragment waits for the next one, which may be empty and the last.
  std::optional<char> kept_;
  std::string control_;
};

}  // namespace sipward::websocket

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sipward/sip/limits.hpp"
#include "sipward/sip/split.hpp"

namespace sipward::sip {

namespace lexer {
struct Line;
}

// Why a stream cannot be cut into messages any more. The connection must be closed: looking for the next
// message behind an error is how messages are smuggled.
enum class FramingError : std::uint8_t {
  none,
  not_sip,  // the first line is no SIP start line, or cannot become one
  start_line_too_long,
  head_too_long,
  header_too_long,
  too_many_headers,
  content_length_missing,  // RFC 3261 20.14
  content_length_syntax,
  content_length_duplicate,
  message_too_long,  // told before the body is read
};
inline constexpr std::size_t kFramingErrors = 10;
std::string_view to_string(FramingError error);

// Finds where SIP messages end in a stream of octets (RFC 3261 18.3), by the same line and header splitter as
// Message. Owns no octets: the caller keeps them, shows all that are not consumed yet, and takes off the
// front what a result says. It remembers how far it looked, so a stream that comes octet by octet is still
// scanned once.
//
//   while (true) {
//     auto r = framer.next(buffered);
//     if (r.what == need_more) break;          // read on; at most limits.message octets are ever needed
//     if (r.what == error) { … close; break; }
//     handle(buffered.substr(0, r.size));
//     buffered.remove_prefix(r.size);          // always, before the next call
//   }
//
// Whenever Message::parse(…, stream) says framed() for some octets, the framer cuts them at the same place.
// One per connection and direction, used by one worker.
class Framer {
 public:
  enum class What : std::uint8_t {
    need_more,  // size is 0
    message,    // size octets, a whole message from its start line to the end of its body
    ping,       // size octets that end a CRLF CRLF: answer with one CRLF (RFC 5626 4.4.1)
    skip,       // size octets of CR, LF, or NUL after CRLF between messages; no answer
    error,      // for good: every later call says the same
  };
  struct Result {
    What what = What::need_more;
    FramingError error = FramingError::none;
    bool can_reply =
        false;  // error only: `size` octets are a whole head that Message can read to answer 400 or 513
    std::size_t size = 0;
  };

  explicit Framer(const Limits& limits = {}) : limits_(limits) {}

  // `buffered` begins at the first octet not consumed, and holds at least what the last call saw.
  Result next(std::string_view buffered);

  // True when nothing of a message has been seen since the last one: a connection that is idle, not one that
  // is slow to finish a head.
  bool between_messages() const { return state_ == State::between; }
  // The size of the message being waited for once its head is complete; nullopt before.
  std::optional<std::size_t> message_size() const;

 private:
  enum class State : std::uint8_t { between, head, body, failed };

  Result between(std::string_view buffered);
  Result read_head(std::string_view buffered);
  bool take_start_line(const lexer::Line& line);
  bool take_header(const lexer::Line& line);
  void take_plain_headers(std::string_view buffered);
  void head_done(std::size_t head_size);
  void fail(FramingError error, std::size_t head_size = 0);
  Result failure() const;

  Limits limits_;
  State state_ = State::between;
  bool half_ping_ = false;   // a CRLF was just consumed
  bool after_crlf_ = false;  // NULs may follow
  bool method_seen_ = false;
  LineState lines_;
  std::size_t headers_ = 0;
  ContentLength length_;
  std::size_t message_size_ = 0;
  FramingError error_ = FramingError::none;
  std::size_t failed_head_ = 0;
};

}  // namespace sipward::sip

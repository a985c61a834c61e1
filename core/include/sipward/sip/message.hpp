#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sipward/sip/header.hpp"
#include "sipward/sip/limits.hpp"
#include "sipward/sip/split.hpp"
#include "sipward/sip/uri.hpp"
#include "sipward/sip/values.hpp"

namespace sipward::sip {

enum class Kind : std::uint8_t { not_sip, request, response };

namespace lexer {
struct Line;
}

// How the end of a message is known: the datagram (also one WebSocket message, RFC 7118 5), or Content-Length
// alone.
enum class Framing : std::uint8_t { datagram, stream };

// A SIP message over octets that somebody else holds: split once by parse(), each typed value read at its
// first use and kept. Nothing is copied, and nothing is allocated unless a message has more than 32 headers
// (then once, and the space is kept for the next). Reuse one object for many messages.
//
// Belongs to one packet on one worker: the readers fill their caches, so they are not const. All views, and
// all references returned, are valid until the next parse() and only as long as the octets.
class Message {
 public:
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  // Splits. Always leaves a usable object: what is wrong is in defects(), and kind() is not_sip when the
  // first line is neither a request line nor a status line of any SIP version (RFC 3261 7.1, 7.2).
  void parse(std::string_view octets, Framing framing, const Limits& limits = {});

  Kind kind() const { return kind_; }
  Framing framing() const { return framing_; }
  Defects defects() const { return defects_; }
  // True when the extent of the message is beyond doubt, so that octets() may go to somebody else.
  bool framed() const;

  // Requests. Views are empty and method() is other for anything else.
  Method method() const { return method_; }
  std::string_view method_name() const { return method_name_; }
  std::string_view request_uri() const { return request_uri_; }
  // Responses. status() is 0 when it is not a number from 100 to 699.
  unsigned status() const { return status_; }
  std::string_view reason() const { return reason_; }
  std::string_view sip_version() const { return version_; }
  std::string_view start_line() const { return start_line_; }  // without its line end

  bool non_ascii() const { return non_ascii_; }  // an octet >= 0x80 somewhere in the head

  std::span<const Header> headers() const { return {headers_, header_count_}; }
  const Header* header(HeaderId id) const;  // the first of them; nullptr when absent
  std::size_t count(HeaderId id) const;     // header lines, not list elements
  // The value of the first of them, "" when absent.
  std::string_view value(HeaderId id) const;
  // The first header of a name outside HeaderId, without case.
  const Header* header(std::string_view name) const;
  template <typename Visit>
  void for_each(HeaderId id, Visit&& visit) const;  // visit(const Header&), in order

  // What may be forwarded: from the start line to the end of the body, without leading CRLFs and without the
  // octets after Content-Length (RFC 3261 18.3, 7.5).
  std::string_view octets() const { return octets_; }
  std::string_view head() const { return head_; }  // start line to empty line, inclusive
  std::string_view body() const { return body_; }
  std::size_t leading() const { return leading_; }    // octets of CR and LF skipped in front
  std::size_t trailing() const { return trailing_; }  // octets after the message
  std::optional<std::uint64_t> content_length() const {
    return content_length_;
  }  // as declared, when readable

  // Typed values; each has ok == false when its header is absent or cannot be read.
  const Via& via();  // the topmost
  const NameAddr& from();
  const NameAddr& to();
  const CSeq& cseq();
  const Uri& uri();  // the Request-URI
  std::string_view call_id() const {
    return value(HeaderId::call_id);
  }                                              // opaque, with case (RFC 3261 8.1.1.4)
  std::optional<unsigned> max_forwards() const;  // nullopt when absent or not a number up to 2^31
  std::optional<std::uint32_t> expires() const;  // the header; too large counts as 2^32-1 (RFC 3261 20.19)

 private:
  static constexpr std::size_t kInline = 32;

  void reset(Framing framing);
  void take_start_line(const lexer::Line& line, const Limits& limits);
  void take_plain_headers(std::string_view all, LineState& lines, ContentLength& length, std::size_t& headers,
                          const Limits& limits);
  Header& next_slot();
  void add_header(HeaderId id);
  void cut_body(std::string_view rest, const Limits& limits);

  std::string_view octets_, head_, body_, start_line_, method_name_, request_uri_, version_, reason_;
  std::size_t leading_ = 0, trailing_ = 0;
  std::optional<std::uint64_t> content_length_;
  Defects defects_;
  unsigned status_ = 0;
  Kind kind_ = Kind::not_sip;
  Framing framing_ = Framing::datagram;
  Method method_ = Method::other;
  bool non_ascii_ = false;
  std::uint8_t cached_ = 0;  // which typed values below are valid

  std::array<std::uint16_t, kHeaderIds> count_{};
  std::array<std::uint16_t, kHeaderIds> first_{};  // only where count_ is not 0
  std::array<Header, kInline> inline_;
  Header* headers_ = inline_.data();
  std::size_t header_count_ = 0;
  std::vector<Header> spill_;

  Via via_;
  NameAddr from_, to_;
  CSeq cseq_;
  Uri uri_;
};

// Walks the elements of a list header over all its lines, in order: Contact, Route, Via, Require …
class ValueReader {
 public:
  ValueReader(const Message& message, HeaderId id) : headers_(message.headers()), list_({}), id_(id) {}
  bool next(std::string_view& element);  // false at the end
  bool ok() const { return ok_ && list_.ok(); }

 private:
  std::span<const Header> headers_;
  ListReader list_;
  HeaderId id_;
  bool open_ = false;
  bool ok_ = true;
};

template <typename Visit>
void Message::for_each(HeaderId id, Visit&& visit) const {
  for (std::size_t left = count(id); const Header& h : headers()) {
    if (left == 0) return;
    if (h.id != id) continue;
    visit(h);
    --left;
  }
}

}  // namespace sipward::sip

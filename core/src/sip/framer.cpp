#include "sipward/sip/framer.hpp"

#include <algorithm>

#include "header_names.hpp"
#include "lexer.hpp"

namespace sipward::sip {

namespace {

// Whether these octets can still become a SIP start line. Spares waiting for a line end that a TLS hello, an
// HTTP/2 preface or noise never sends.
bool plausible(std::string_view start) {
  for (std::size_t i = 0; i < start.size(); ++i) {
    const char c = start[i];
    if (c == ' ') return i > 0;
    if (!lexer::is(c, lexer::kToken) && !(c == '/' && i == 3 && iequals(start.substr(0, 3), "SIP")))
      return false;
  }
  return true;
}

}  // namespace

std::string_view to_string(FramingError error) {
  switch (error) {
    case FramingError::none:
      return "none";
    case FramingError::not_sip:
      return "not_sip";
    case FramingError::start_line_too_long:
      return "start_line_too_long";
    case FramingError::head_too_long:
      return "head_too_long";
    case FramingError::header_too_long:
      return "header_too_long";
    case FramingError::too_many_headers:
      return "too_many_headers";
    case FramingError::content_length_missing:
      return "content_length_missing";
    case FramingError::content_length_syntax:
      return "content_length_syntax";
    case FramingError::content_length_duplicate:
      return "content_length_duplicate";
    case FramingError::message_too_long:
      return "message_too_long";
  }
  return "none";
}

Framer::Result Framer::next(std::string_view buffered) {
  if (state_ == State::between) {
    const Result r = between(buffered);
    if (state_ == State::between) return r;
  }
  if (state_ == State::head) {
    const Result r = read_head(buffered);
    if (state_ == State::head) return r;
  }
  if (state_ == State::failed) return failure();
  if (buffered.size() < message_size_) return {};
  state_ = State::between;
  return {What::message, FramingError::none, false, message_size_};
}

Framer::Result Framer::between(std::string_view buffered) {
  if (buffered.empty()) return {};
  switch (buffered[0]) {
    case '\r':
      if (buffered.size() < 2) return {};
      if (buffered[1] != '\n') break;
      after_crlf_ = true;
      half_ping_ = !half_ping_;
      return {half_ping_ ? What::skip : What::ping, FramingError::none, false, 2};
    case '\n':
      after_crlf_ = true;
      half_ping_ = false;
      return {What::skip, FramingError::none, false, 1};
    case '\0':
      if (!after_crlf_) break;
      half_ping_ = false;
      return {What::skip, FramingError::none, false,
              std::min(buffered.find_first_not_of('\0'), buffered.size())};
    default:
      break;
  }
  half_ping_ = after_crlf_ = method_seen_ = false;
  lines_ = {};
  headers_ = 0;
  length_ = {};
  state_ = State::head;
  return {};
}

Framer::Result Framer::read_head(std::string_view buffered) {
  lexer::Line line;
  while (true) {
    const bool start = lines_.start_line;
    switch (lexer::next_line(lines_, buffered, false, line)) {
      case lexer::Found::line:
        if (!(start ? take_start_line(line) : take_header(line))) return {};
        take_plain_headers(buffered);
        break;
      case lexer::Found::end_of_head:
        head_done(lines_.line);
        return {};
      default:
        if (start && !method_seen_) {
          const std::string_view begin = buffered.substr(0, std::min(buffered.size(), limits_.method));
          if (!plausible(begin)) fail(FramingError::not_sip);
          method_seen_ = begin.find(' ') != std::string_view::npos;
        }
        if (lines_.looked - lines_.line > (start ? limits_.start_line : limits_.header)) {
          fail(start ? FramingError::start_line_too_long : FramingError::header_too_long);
        } else if (lines_.looked > limits_.head) {
          fail(FramingError::head_too_long);
        }
        return {};
    }
  }
}

// Passes over headers as long as nothing about them is special; what is left next_line() takes up.
void Framer::take_plain_headers(std::string_view buffered) {
  const char* const base = buffered.data();
  const char* at = base + lines_.line;
  Header header;
  while (headers_ < limits_.headers) {
    const char* const next = lexer::take_plain_header(base, at, base + buffered.size(), header);
    if (next == nullptr || static_cast<std::size_t>(next - at) > limits_.header) break;
    at = next;
    ++headers_;
    if (header.id == HeaderId::content_length) length_.add(header.value);
  }
  lines_.line = lines_.physical = lines_.looked = static_cast<std::size_t>(at - base);
}

bool Framer::take_start_line(const lexer::Line& line) {
  if (lexer::split_start_line(line.content).kind == Kind::not_sip) {
    fail(FramingError::not_sip);
  } else if (line.text.size() > limits_.start_line) {
    fail(FramingError::start_line_too_long);
  }
  return state_ == State::head;
}

bool Framer::take_header(const lexer::Line& line) {
  if (line.text.size() > limits_.header) fail(FramingError::header_too_long);
  if (++headers_ > limits_.headers) fail(FramingError::too_many_headers);
  Header header;
  Defects defects;
  if (lexer::split_header(line, header, defects) && header.id == HeaderId::content_length) {
    length_.add(header.value);
  }
  return state_ == State::head;
}

void Framer::head_done(std::size_t head_size) {
  if (head_size > limits_.head) {
    fail(FramingError::head_too_long);
  } else if (length_.seen == 0) {
    fail(FramingError::content_length_missing, head_size);
  } else if (length_.seen > 1) {
    fail(FramingError::content_length_duplicate, head_size);
  } else if (!length_.ok) {
    fail(FramingError::content_length_syntax, head_size);
  } else if (head_size > limits_.message || length_.octets > limits_.message - head_size) {
    fail(FramingError::message_too_long, head_size);
  } else {
    message_size_ = head_size + static_cast<std::size_t>(length_.octets);
    state_ = State::body;
  }
}

void Framer::fail(FramingError error, std::size_t head_size) {
  if (state_ == State::failed) return;
  state_ = State::failed;
  error_ = error;
  failed_head_ = head_size;
}

Framer::Result Framer::failure() const {
  return {What::error, error_, failed_head_ != 0, failed_head_};
}

std::optional<std::size_t> Framer::message_size() const {
  return state_ == State::body ? std::optional(message_size_) : std::nullopt;
}

}  // namespace sipward::sip

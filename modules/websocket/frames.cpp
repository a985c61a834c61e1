#include "frames.hpp"

#include <algorithm>

namespace sipward::websocket {
namespace {

constexpr unsigned kFinal = 0x80, kReserved = 0x70, kOpcode = 0x0F, kMasked = 0x80, kLength = 0x7F;
constexpr unsigned kLength16 = 126, kLength64 = 127;
constexpr std::size_t kMaxControl = 125;  // RFC 6455 5.5

}  // namespace

std::string frame_head(Opcode opcode, std::size_t payload) {
  std::string head;
  head += static_cast<char>(kFinal | static_cast<unsigned>(opcode));
  int octets = 0;
  if (payload < kLength16) {
    head += static_cast<char>(payload);
  } else {
    octets = payload <= 0xFFFF ? 2 : 8;
    head += static_cast<char>(octets == 2 ? kLength16 : kLength64);
  }
  while (octets-- > 0) head += static_cast<char>(static_cast<std::uint64_t>(payload) >> (8 * octets) & 0xFF);
  return head;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto octet = [&](std::size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const unsigned first = octet(i);
    // How many follow, and what the first of them may be (RFC 3629 4).
    const std::size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if (first >= 0x80 && (first < 0xC2 || first > 0xF4)) return false;
    const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t k = 1; k <= more; ++k)
      if (octet(i + k) < (k == 1 ? low : 0x80) || octet(i + k) > (k == 1 ? high : 0xBF)) return false;
    i += more + 1;
  }
  return true;
}

std::size_t FrameReader::head_size() const {
  if (head_have_ < 2) return 2;
  const unsigned length = head_[1] & kLength;
  return 2 + (length == kLength16 ? 2U : length == kLength64 ? 8U : 0U) + mask_.size();
}

FrameReader::Step FrameReader::failed(std::size_t taken, std::size_t given, Close code,
                                      std::string_view fault) const {
  return {What::fault, taken, given, code, fault};
}

// The head is whole; says what is wrong with it.
std::optional<FrameReader::Step> FrameReader::begin_frame() {
  const auto size = head_size();
  final_ = (head_[0] & kFinal) != 0;
  opcode_ = head_[0] & kOpcode;
  left_ = head_[1] & kLength;
  if (left_ >= kLength16) {
    left_ = 0;
    for (std::size_t i = 2; i < size - mask_.size(); ++i) left_ = left_ << 8 | head_[i];
  }
  std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(size - mask_.size()), mask_.size(), mask_.begin());
  at_ = 0;
  if (is_control()) {
    if (!final_ || left_ > kMaxControl || opcode_ > static_cast<unsigned>(Opcode::pong))
      return failed(0, 0, Close::protocol_error, "ws_frame");
    control_.clear();
    return std::nullopt;
  }
  const bool continues = opcode_ == static_cast<unsigned>(Opcode::continuation);
  if (opcode_ > static_cast<unsigned>(Opcode::binary) || continues != in_message_)
    return failed(0, 0, Close::protocol_error, "ws_frame");
  if (!continues) fragments_ = 0, message_ = 0;
  in_message_ = true;
  if (++fragments_ > limits_.fragments) return failed(0, 0, Close::policy, "ws_fragments");
  if (left_ > limits_.message - message_) return failed(0, 0, Close::too_large, "ws_message_too_large");
  message_ += static_cast<std::size_t>(left_);
  return std::nullopt;
}

FrameReader::Step FrameReader::read(std::span<const char> in, std::span<char> out) {
  Step step;
  while (true) {
    if (!in_payload_) {
      while (head_have_ < head_size() && step.taken < in.size()) {
        head_[head_have_++] = static_cast<unsigned char>(in[step.taken++]);
        if (head_have_ == 1 && (head_[0] & kReserved) != 0)  // no extension was agreed on
          return failed(step.taken, step.given, Close::protocol_error, "ws_frame");
        if (head_have_ == 2 && (head_[1] & kMasked) == 0)
          return failed(step.taken, step.given, Close::protocol_error, "ws_unmasked");
      }
      if (head_have_ < head_size()) return step;
      if (const auto wrong = begin_frame())
        return failed(step.taken, step.given, wrong->close_code, wrong->fault);
      in_payload_ = true;
      head_have_ = 0;
    }
    if (is_control()) {
      for (; left_ > 0 && step.taken < in.size(); --left_)
        control_ +=
            static_cast<char>(static_cast<unsigned char>(in[step.taken++]) ^ mask_[at_++ % mask_.size()]);
      if (left_ > 0) return step;
      in_payload_ = false;
      step.what = opcode_ == static_cast<unsigned>(Opcode::ping)   ? What::ping
                  : opcode_ == static_cast<unsigned>(Opcode::pong) ? What::pong
                                                                   : What::close;
      return step;
    }
    // The one octet that was kept never writes over what is still to be read: a head lies between.
    while (true) {
      const bool last_of_fragment = left_ == 0 && !final_;
      if (kept_ && !last_of_fragment) {
        if (left_ > 0 && step.taken == in.size()) return step;
        if (step.given == out.size()) return step;
        out[step.given++] = *kept_;
        kept_.reset();
      }
      if (left_ == 0) break;
      if (step.taken == in.size() || step.given == out.size()) return step;
      const char octet =
          static_cast<char>(static_cast<unsigned char>(in[step.taken++]) ^ mask_[at_++ % mask_.size()]);
      if (--left_ == 0 && !final_)
        kept_ = octet;
      else
        out[step.given++] = octet;
    }
    in_payload_ = false;
    if (!final_) continue;
    in_message_ = false;
    step.what = What::message_end;
    return step;
  }
}

}  // namespace sipward::websocket

#include "health.hpp"

#include <algorithm>

#include "sipward/sip/message.hpp"

namespace sipward::proxy {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSpread = std::chrono::seconds(1);

// A share of `whole`, by chance.
milliseconds part(milliseconds whole, std::uint32_t random) {
  return whole * (random % 1024) / 1024;
}

std::string hex(std::uint64_t number) {
  std::string text(16, '0');
  for (auto i = text.rbegin(); i != text.rend(); ++i, number >>= 4) *i = "0123456789abcdef"[number & 15];
  return text;
}

}  // namespace

Duration first_check(const CheckOptions& options, std::uint32_t random) {
  return part(std::min(options.interval, kSpread), random);
}

Duration next_check(const CheckOptions& options, std::uint32_t random) {
  return options.interval - options.interval / 10 + part(options.interval / 5, random);
}

Check::~Check() {
  if (!up()) --target_->checks_down;
}

std::string Check::last_result() const {
  std::lock_guard lock(mutex_);
  return result_;
}

bool Check::note(bool alive, std::string_view result, Time now) {
  if (alive) target_->heard(now);
  {
    std::lock_guard lock(mutex_);
    result_ = result;
  }
  if (alive == up()) {
    in_a_row_ = 0;
    return false;
  }
  if (++in_a_row_ < (alive ? options_.rise : options_.fall)) return false;
  in_a_row_ = 0;
  up_.store(alive, std::memory_order_relaxed);
  alive ? --target_->checks_down : ++target_->checks_down;
  return true;
}

std::string Question::text() const {
  const auto word = hex(id);
  const auto here = from.to_string(), there = to.to_string();
  const bool stream = is_stream(transport);
  const std::string by = stream ? ";transport=tcp" : "";
  return "OPTIONS sip:" + there + by + " SIP/2.0\r\nVia: SIP/2.0/" + (stream ? "TCP " : "UDP ") + here +
         ";branch=z9hG4bK" + word + ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:sipward@" + here +
         ">;tag=" + word + "\r\nTo: <sip:" + there + ">\r\nCall-ID: " + word +
         "@sipward\r\nCSeq: 1 OPTIONS\r\nContact: <sip:sipward@" + here + by +
         ">\r\nUser-Agent: Sipward\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n";
}

bool Question::answered_by(std::string_view octets) const {
  sip::Message message;
  message.parse(octets, sip::Framing::datagram);
  return message.kind() == sip::Kind::response && message.status() >= 200 &&
         message.via().branch == "z9hG4bK" + hex(id) && message.cseq().method == sip::Method::options;
}

}  // namespace sipward::proxy

#include "websocket_stream.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "upgrade.hpp"

namespace sipward::websocket {
namespace {

constexpr std::array<std::string_view, 6> kUpgrades{
    "accepted", "gone", "ws_request", "ws_header_too_large", "ws_origin", "ws_subprotocol"};
constexpr std::array<std::string_view, 5> kFaults{"ws_frame", "ws_unmasked", "ws_fragments",
                                                  "ws_message_too_large", "ws_control_flood"};
constexpr std::size_t kSmall = 256;

template <std::size_t N>
std::size_t index_of(const std::array<std::string_view, N>& words, std::string_view word) {
  const auto at = static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
  return std::min(at, N - 1);
}

void let_go(std::string& buffer) {
  if (buffer.capacity() > kSmall)
    std::string().swap(buffer);
  else
    buffer.clear();
}

}  // namespace

Counters Counters::declare(Metrics& metrics) {
  return {metrics.counter("sipward_websocket_upgrades_total", "WebSocket upgrades that clients asked for.",
                          "result", kUpgrades),
          metrics.counter("sipward_websocket_faults_total",
                          "WebSocket connections that broke the rules, by how.", "fault", kFaults)};
}

WebSocketStream::WebSocketStream(Worker& worker, std::unique_ptr<ByteStream> below,
                                 std::shared_ptr<const Options> options, const Counters& counters)
    : worker_(worker),
      below_(std::move(below)),
      options_(std::move(options)),
      counters_(counters),
      frames_({static_cast<std::size_t>(options_->max_message_size), options_->max_fragments}),
      controls_at_(worker.now()) {}

WebSocketStream::~WebSocketStream() {
  if (!counted_) counters_.upgrades.add(worker_.index(), Counters::gone);
}

ByteStream::Result WebSocketStream::failed() const {
  Result result;
  result.status = Status::error;
  result.error = error_;
  result.fault = fault_;
  return result;
}

ByteStream::Result WebSocketStream::fail(Close code, std::string_view fault) {
  counters_.faults.add(worker_.index(), index_of(kFaults, fault));
  send_close(code);
  failed_ = true;
  fault_ = fault;
  error_ = make_error_code(boost::system::errc::protocol_error);
  return failed();
}

ByteStream::Result WebSocketStream::handshake() {
  if (failed_) return failed();
  while (!upgraded_) {
    std::array<char, 2048> buffer;
    const auto result = below_->read(buffer);
    if (result.status != Status::ok) return result;
    const auto searched = in_.size() < 3 ? 0 : in_.size() - 3;
    in_.append(buffer.data(), result.octets);
    const auto end = in_.find("\r\n\r\n", searched);
    const bool whole = end != std::string::npos && end + 4 <= options_->max_header_size;
    if (!whole && in_.size() < options_->max_header_size && end == std::string::npos) continue;
    auto upgrade =
        whole ? judge_request(std::string_view(in_).substr(0, end + 4), *options_) : refuse_large();
    counted_ = true;
    out_ = std::move(upgrade.answer);
    if (upgrade.fault.empty()) {
      in_.erase(0, end + 4);
      if (in_.empty()) let_go(in_);
      upgraded_ = true;
    }
    flush();
    counters_.upgrades.add(worker_.index(), upgrade.fault.empty()
                                                ? static_cast<std::size_t>(Counters::accepted)
                                                : index_of(kUpgrades, upgrade.fault));
    if (upgraded_) break;
    failed_ = true;
    fault_ = upgrade.fault;
    error_ = make_error_code(boost::system::errc::protocol_error);
    below_->shutdown();
    return failed();
  }
  return {};
}

ByteStream::Result WebSocketStream::read(std::span<char> into) {
  Result result;
  if (failed_) return failed();
  if (into.empty()) return result;
  while (true) {
    if (ended_) {
      result.status = Status::end;
      return result;
    }
    std::span<const char> chunk(in_);
    const bool fresh = in_.empty() && !frames_.owes();
    if (fresh) {
      const auto got = below_->read(into);
      if (got.status != Status::ok) return got;
      chunk = into.first(got.octets);
    }
    std::size_t at = 0;
    FrameReader::Step step;
    do {
      step = frames_.read(chunk.subspan(at), into.subspan(result.octets));
      at += step.taken;
      result.octets += step.given;
      if (step.what == FrameReader::What::fault) return fail(step.close_code, step.fault);
      if (step.what == FrameReader::What::message_end && result.octets > 0) {
        result.message_ends = true;
        break;
      }
      if (step.what != FrameReader::What::more && !take(step)) return failed();
    } while (!ended_ && step.what != FrameReader::What::more);
    if (fresh)
      in_.assign(chunk.data() + at, chunk.size() - at);
    else
      in_.erase(0, at);
    if (in_.empty()) let_go(in_);
    if (result.octets > 0) return result;
  }
}

// What is no payload; false when that was one too many.
bool WebSocketStream::take(const FrameReader::Step& step) {
  if (!take_control()) {
    fail(Close::policy, "ws_control_flood");
    return false;
  }
  if (step.what == FrameReader::What::ping) send_control(Opcode::pong, frames_.control());
  if (step.what == FrameReader::What::close) {
    // RFC 6455 5.5.1: the code comes back.
    if (!std::exchange(close_sent_, true)) send_control(Opcode::close, frames_.control().substr(0, 2));
    ended_ = true;
  }
  return true;
}

bool WebSocketStream::take_control() {
  const auto earned = std::chrono::duration_cast<std::chrono::seconds>(worker_.now() - controls_at_).count();
  if (earned > 0) {
    controls_ = static_cast<unsigned>(std::min<std::int64_t>(kControls, controls_ + earned));
    controls_at_ = worker_.now();
  }
  if (controls_ == 0) return false;
  --controls_;
  return true;
}

void WebSocketStream::send_control(Opcode opcode, std::string_view payload) {
  if (failed_ || closed_ || shut_down_) return;
  out_ += frame_head(opcode, payload.size());
  out_ += payload;
  flush();
}

void WebSocketStream::send_close(Close code) {
  if (std::exchange(close_sent_, true)) return;
  const auto number = static_cast<unsigned>(code);
  const char payload[] = {static_cast<char>(number >> 8), static_cast<char>(number & 0xFF)};
  send_control(Opcode::close, {payload, sizeof payload});
}

ByteStream::Result WebSocketStream::write(std::string_view message) {
  Result result;
  if (failed_) return failed();
  if (message.empty()) return result;
  flush();
  if (failed_) return failed();
  if (close_sent_) {
    result.status = Status::end;
  } else if (!out_.empty()) {
    result.status = Status::want_write;
  } else {
    // Text must be UTF-8, and a body may be anything (RFC 6455 5.6).
    out_.reserve(message.size() + 10);
    out_ = frame_head(is_utf8(message) ? Opcode::text : Opcode::binary, message.size());
    out_ += message;
    flush();
    if (failed_) return failed();
    result.octets = message.size();
  }
  return result;
}

// Gives on what it can; the rest goes by itself later.
void WebSocketStream::flush() {
  while (!out_.empty() && !failed_ && !closed_) {
    const auto result = below_->write(out_);
    if (result.status == Status::ok) {
      out_.erase(0, result.octets);
    } else if (result.status == Status::want_write || result.status == Status::want_read) {
      return arm_write();
    } else {
      failed_ = true;
      error_ = result.error ? result.error : make_error_code(boost::system::errc::broken_pipe);
      fault_ = result.fault;
    }
  }
  let_go(out_);
  if (shut_down_ && !closed_) below_->shutdown();
}

void WebSocketStream::arm_write() {
  if (std::exchange(write_armed_, true)) return;
  below_->wait(Wait::write, [this](const boost::system::error_code& error) {
    write_armed_ = false;
    const auto call = std::exchange(on_write_, nullptr);
    if (!error) flush();
    if (call) call(error);
  });
}

void WebSocketStream::wait(Wait what, Ready ready) {
  if (what == Wait::write && !closed_) {
    on_write_ = std::move(ready);
    return arm_write();
  }
  if (!closed_ && !failed_ && in_.empty() && !frames_.owes() && !ended_)
    return below_->wait(what, std::move(ready));
  if (!upgraded_ && !closed_ && !failed_) return below_->wait(what, std::move(ready));
  posted_ = std::move(ready);
  boost::asio::post(worker_.io(), [this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    if (const auto call = std::exchange(posted_, nullptr))
      call(closed_ ? boost::asio::error::operation_aborted : boost::system::error_code());
  });
}

void WebSocketStream::shutdown() {
  if (closed_ || shut_down_) return;
  if (upgraded_ && !failed_) send_close(Close::normal);
  shut_down_ = true;
  if (out_.empty()) below_->shutdown();
}

void WebSocketStream::close() {
  if (std::exchange(closed_, true)) return;
  failed_ = true;
  error_ = boost::asio::error::operation_aborted;
  fault_ = {};
  below_->close();
}

}  // namespace sipward::websocket

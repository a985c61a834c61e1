#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "frames.hpp"
#include "options.hpp"
#include "sipward/byte_stream.hpp"
#include "sipward/clock.hpp"
#include "sipward/metrics.hpp"
#include "sipward/worker.hpp"

namespace sipward::websocket {

// How upgrades ended, and what went wrong afterwards: the values of a metric.
struct Counters {
  enum Upgrade : std::size_t { accepted, gone, request, header_too_large, origin, subprotocol };
  enum Fault : std::size_t { frame, unmasked, fragments, message_too_large, control_flood };
  Counter upgrades, faults;
  static Counters declare(Metrics& metrics);
};

// SIP over WebSocket over another stream (RFC 7118): one message is one SIP message. Answers pings, and keeps
// nothing while nothing is under way.
class WebSocketStream final : public ByteStream {
 public:
  // Control frames and empty messages that a client may send at once, and one more each second.
  static constexpr unsigned kControls = 64;

  WebSocketStream(Worker& worker, std::unique_ptr<ByteStream> below, std::shared_ptr<const Options> options,
                  const Counters& counters);
  ~WebSocketStream() override;

  Result handshake() override;
  Result read(std::span<char> into) override;
  Result write(std::string_view message) override;
  void wait(Wait what, Ready ready) override;
  void shutdown() override;
  void close() override;
  bool carries_messages() const override { return true; }
  std::size_t memory() const override {
    return sizeof *this + in_.capacity() + out_.capacity() + below_->memory();
  }

 private:
  Result answer(std::string_view fault, std::size_t counter);
  Result fail(Close code, std::string_view fault);
  Result failed() const;
  bool take(const FrameReader::Step& step);
  bool take_control();
  void send_control(Opcode opcode, std::string_view payload);
  void send_close(Close code);
  void flush();
  void arm_write();

  Worker& worker_;
  std::unique_ptr<ByteStream> below_;
  std::shared_ptr<const Options> options_;
  Counters counters_;
  FrameReader frames_;
  std::string in_;   // read from below and not yet looked at; before the upgrade, the request so far
  std::string out_;  // framed, and not yet taken from below
  bool upgraded_ = false, counted_ = false, failed_ = false, closed_ = false;
  bool ended_ = false;  // the client sent Close
  bool close_sent_ = false, shut_down_ = false;
  bool write_armed_ = false;  // a wait of our own or of both is open below
  Ready on_write_, posted_;
  unsigned controls_ = kControls;
  Time controls_at_{};
  boost::system::error_code error_;
  std::string_view fault_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what is posted
};

}  // namespace sipward::websocket

#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/worker_thread.hpp"
#include "sipward/socket_stream.hpp"
#include "sipward/stream.hpp"

namespace sipward {

// Octets on their way out, with the ends of messages where the stream below wants to know them.
struct OutgoingOctets {
  std::string octets;
  std::vector<std::uint32_t> sizes;  // of the messages; only for streams that carry messages
  std::size_t written = 0;           // octets of the front
  std::size_t messages = 0;          // of them, likewise

  bool empty() const { return written == octets.size(); }
  std::size_t size() const { return octets.size() - written; }
  // What may be written in one call.
  std::string_view front() const {
    const auto left = std::string_view(octets).substr(written);
    return messages < sizes.size() ? left.substr(0, sizes[messages]) : left;
  }
  void took(std::size_t n) {
    written += n;
    if (!sizes.empty()) ++messages;
  }
  void clear() {
    octets.clear();
    sizes.clear();
    written = messages = 0;
  }
};

// Everything runs in callbacks on one thread. The stream holds itself while it is open; what waits on the
// ByteStream points here, and is forgotten when that is destroyed.
struct SipStream::Impl {
  enum class State : std::uint8_t { fresh, connecting, open, closing, ended };
  using Wait = ByteStream::Wait;

  WorkerThread& worker;
  SipStream& self;
  std::unique_ptr<ByteStream> stream;
  Owner& owner;
  Options options;
  sip::Framer framer;
  boost::asio::steady_timer read_timer, write_timer;
  std::unique_ptr<boost::asio::steady_timer> delay_timer;  // made when it is first needed
  std::shared_ptr<SipStream> keep;
  std::string buffer;             // read and not consumed; what is consumed at once never gets here
  OutgoingOctets queue, writing;  // to be written; being written
  std::size_t accounted = 0;      // of these three and the layers below, in the worker's sum
  State state = State::fresh;
  const bool carries_messages;
  // Why it is not read; full: read_until_queued.
  bool paused = false, held = false, delayed = false, full = false;
  bool reading = false, write_pending = false;
  bool seen_octets = false, seen_message = false;
  bool serving = false;  // inside the framing loop
  bool disowned = false;
  bool dialled = false;
  bool close_once_open = false;        // close() was called while dialling, with something queued
  bool armed[2] = {};                  // what is waited for below, by Wait
  std::optional<Wait> reader, writer;  // what each of the two waits for
  Time quiet_since{};                  // the end of the last message, or what counts like it
  Time message_since{};         // the first octet of the one that is not complete; unset between messages
  Time write_until{};           // when what is being written must be gone
  Time keep_alive_at{};         // of the last refill of keep_alives
  std::size_t keep_alives = 0;  // that may still come before the next message
  StreamEnd why = StreamEnd::closed_by_us;
  std::string_view fault;

  Impl(Worker& w, SipStream& s, std::unique_ptr<ByteStream> below, Owner& o, const Options& opt);
  ~Impl() { worker.stream_memory() -= accounted; }

  static constexpr std::size_t kSmall = 16 * 1024;  // a buffer that may be kept for the next time

  static void let_go(std::string& octets) { std::string().swap(octets); }
  static void let_go(OutgoingOctets& octets) { octets = {}; }
  static WorkerThread::Batch batch(WorkerThread& w) { return WorkerThread::Batch(w); }

  // sip_stream.cpp
  void opened(std::string_view first);
  void shake_hands();
  void ended(StreamEnd reason);
  void failed(const ByteStream::Result& result);
  void account();
  bool may_grow(std::size_t by) const;
  void arm();
  void ready(Wait what, const boost::system::error_code& error);
  void close(StreamEnd reason);
  void finish();
  void discard_some();

  // sip_stream_reading.cpp
  bool stopped() const { return paused || held || delayed || full; }
  bool between_messages() const { return carries_messages ? buffer.empty() : framer.between_messages(); }
  void read();
  void await_octets(Wait what);
  void may_read();
  void read_some();
  void serve(std::string_view octets);
  void serve_whole(std::string_view octets, bool message_ends);
  void whole_message(std::string_view octets);
  void got_message(std::string_view octets);
  void keep_rest(std::string_view left);
  bool take_keep_alive();
  void arm_read_timer();
  void read_timer_rang(StreamEnd reason);
  void go_on();
  void set_pause(bool pause);
  void set_hold(bool hold);
  void set_delay(Duration time);

  // sip_stream_writing.cpp
  std::size_t queued() const { return queue.size() + writing.size(); }
  void send(std::string_view octets);
  void write();
  void push();
  void wrote();
};

}  // namespace sipward

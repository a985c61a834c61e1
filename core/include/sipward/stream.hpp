#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sipward/byte_stream.hpp"
#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/worker.hpp"

namespace sipward {

// Why a stream ended.
enum class StreamEnd : std::uint8_t {
  closed_by_us,
  closed_by_peer,
  cut_short,     // the peer closed in the middle of a message
  reset,         // by the peer
  error,         // unreachable, refused
  framing,       // octets that can't be cut into messages
  head_timeout,  // a message that does not get complete (RFC 3261 18.3 gives no limit; slowloris does)
  body_timeout,
  first_timeout,    // no octet of a message after the connection was made
  idle_timeout,     // no message for too long
  write_timeout,    // the peer reads nothing, or next to nothing
  too_much_queued,  // the peer does not read, and more is meant for it
  keep_alive_flood,
  memory,     // the worker's streams hold as much as they may
  displaced,  // a newer connection got its place
  connect_timeout,
  matching_timeout,   // its first octets did not tell in time which route is to take it
  unmatched,          // no route takes it
  handshake_timeout,  // of a layer
  layer,              // a layer could not go on: a handshake that fails, a record that is none
  refused,            // by a layer, or by a handler once a layer told the client's address
};
inline constexpr std::size_t kStreamEnds = 21;
std::string_view to_string(StreamEnd end);

// A stream that carries SIP (RFC 3261 18.3): cut into messages, keep-alives answered (RFC
// 5626 4.4.1), writing queued and bounded, a deadline on every wait. One worker's; every call on that worker.
// Keeps itself alive while it is open.
class SipStream : public std::enable_shared_from_this<SipStream> {
 public:
  // What happens on it. Called on the worker, never after `ended`; may call close(), send(), pause() of the
  // stream.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_message(SipStream& stream, std::string_view octets) = 0;
    virtual void on_keep_alive(SipStream& stream) { (void)stream; }
    // `head` can be answered when it is not empty: a whole head, whose body can't be framed.
    virtual void on_framing_error(SipStream& stream, sip::FramingError error, std::string_view head) {
      (void)stream, (void)error, (void)head;
    }
    virtual void on_drained(SipStream& stream) { (void)stream; }
    // The stream had no message for its time, or only keep-alives since it was made; true lets it stay for
    // as long again.
    virtual bool may_stay_idle(SipStream& stream) {
      (void)stream;
      return false;
    }
    virtual void on_ended(SipStream& stream, StreamEnd why) = 0;  // once, last
  };
  struct Options {
    sip::Limits limits;
    Duration first = std::chrono::seconds(10);  // to the first octet of a message; zero: no limit
    Duration head = std::chrono::seconds(10);   // from a message's first octet to its empty line
    Duration body = std::chrono::seconds(15);
    Duration idle = std::chrono::minutes(5);    // between messages, keep-alives or not; zero: no limit
    Duration write = std::chrono::seconds(30);  // for what is queued to get going again
    Duration paused = std::chrono::seconds(30);
    std::size_t max_queued = 1 << 20;
    // Octets queued towards the peer at which its own messages have to wait; zero: they never do. Not for
    // both ends of a connection, or each could wait for the other to read.
    std::size_t read_until_queued = 0;
    // Keep-alives and stray line ends between two messages, and one more each second; zero: no limit.
    std::size_t keep_alives = 0;
  };
  // Octets that all streams of one worker hold may sum up to this; one that wants more then is ended. A
  // favoured stream may go on to twice as much.
  static constexpr std::size_t kMemoryPerWorker = std::size_t{64} << 20;

  // `owner` must outlive the stream's end, or disown() it.
  SipStream(Worker& worker, boost::asio::ip::tcp::socket socket, Owner& owner, const Options& options);
  // A stream that is ready: its handshakes are over.
  SipStream(Worker& worker, std::unique_ptr<ByteStream> stream, Owner& owner, const Options& options);
  ~SipStream();
  SipStream(const SipStream&) = delete;
  SipStream& operator=(const SipStream&) = delete;

  // Puts a layer (TLS) over a connection that was just made; its handshake() is driven by the stream.
  using Wrap = std::function<std::unique_ptr<ByteStream>(std::unique_ptr<ByteStream> below)>;

  // For one that is connected; `first` was read of it already.
  void start(std::string_view first = {});
  // Dials first, and gets the layer ready, all within `timeout`; what is sent meanwhile waits. For a stream
  // made from a socket.
  void connect(const Endpoint& remote, Duration timeout, const Wrap& wrap = {});
  void send(std::string_view octets);                   // a whole message
  void close(StreamEnd why = StreamEnd::closed_by_us);  // after what is queued was written
  void abort(StreamEnd why);                            // at once
  void disown();  // at once, and the owner hears nothing any more; for an owner that ends first
  void pause();   // for Options::paused at most
  void resume();
  void hold();  // stops reading like pause(), and besides it, for as long as the owner wants
  void release();
  void delay(Duration time);  // stops reading for that long from now, and besides the others
  std::size_t queued() const;
  bool open() const;
  // After StreamEnd::layer: the layer's word for it (ByteStream::Result::fault), or empty.
  std::string_view fault() const;
  std::uint64_t id = 0;   // the owner's to use
  void* user = nullptr;   // the owner's to use
  bool favoured = false;  // see kMemoryPerWorker; the owner's to set

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sipward

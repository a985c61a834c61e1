#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/worker.hpp"

namespace sipward {

// Why a stream ended.
enum class StreamEnd : std::uint8_t {
  closed_by_us,
  closed_by_peer,
  error,         // reset, unreachable
  framing,       // octets that can't be cut into messages
  head_timeout,  // a message that does not get complete (RFC 3261 18.3 gives no limit; slowloris does)
  body_timeout,
  first_timeout,  // nothing at all after the connection was made
  idle_timeout,
  write_timeout,
  too_much_queued,  // the peer does not read
};
std::string_view to_string(StreamEnd end);

// A TCP connection that carries SIP (RFC 3261 18.3): cut into messages, keep-alives answered (RFC
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
    // The stream was idle for its time; true lets it stay for as long again.
    virtual bool may_stay_idle(SipStream& stream) {
      (void)stream;
      return false;
    }
    virtual void on_ended(SipStream& stream, StreamEnd why) = 0;  // once, last
  };
  struct Options {
    sip::Limits limits;
    Duration first = std::chrono::seconds(10);  // to the first octet; zero: no limit
    Duration head = std::chrono::seconds(10);   // from a message's first octet to its empty line
    Duration body = std::chrono::seconds(15);
    Duration idle = std::chrono::minutes(5);    // between messages; zero: no limit
    Duration write = std::chrono::seconds(30);  // for what is queued to get going again
    Duration paused = std::chrono::seconds(30);
    std::size_t max_queued = 1 << 20;
  };

  // `owner` must outlive the stream's end, or disown() it.
  SipStream(Worker& worker, boost::asio::ip::tcp::socket socket, Owner& owner, const Options& options);
  ~SipStream();
  SipStream(const SipStream&) = delete;
  SipStream& operator=(const SipStream&) = delete;

  void start();                                            // for an accepted socket
  void connect(const Endpoint& remote, Duration timeout);  // dials first; what is sent meanwhile waits
  void send(std::string_view octets);                      // whole messages
  void close(StreamEnd why = StreamEnd::closed_by_us);     // after what is queued was written
  void abort(StreamEnd why);                               // at once
  void disown();  // at once, and the owner hears nothing any more; for an owner that ends first
  void pause();
  void resume();
  std::size_t queued() const;
  bool open() const;
  std::uint64_t id = 0;  // the owner's to use
  void* user = nullptr;  // the owner's to use

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sipward

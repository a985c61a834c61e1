#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sipward/packet.hpp"
#include "sipward/sources.hpp"

namespace boost::asio {
class io_context;
}

namespace sipward {

class UdpPort;
struct StreamInfo;

// Called once when a worker has dealt with everything it received in one go; see Worker::at_batch_end.
class BatchEnd {
 public:
  virtual ~BatchEnd() = default;
  virtual void batch_end() = 0;

 private:
  friend class WorkerThread;
  bool queued_ = false;
};

// One core's thread with its own event loop and sockets. It owns every source that is steered to it: all
// state about that source is its own, without a lock. Lives as long as the process. Unless a call says
// otherwise it is for the worker's own thread.
class Worker {
 public:
  virtual ~Worker() = default;

  virtual std::size_t index() const = 0;  // 0 … count()-1
  virtual std::size_t count() const = 0;
  virtual boost::asio::io_context& io() = 0;  // posting is safe from any thread
  virtual Time now() const = 0;               // read once per batch
  virtual Sources& sources() = 0;

  // To the client, past every handler. UDP datagrams of a batch leave together; a stream queues at most 1 MiB
  // and is closed beyond it. Silently does nothing when the connection is gone.
  virtual void send(const Peer& to, std::string_view octets) = 0;
  // Runs an outbound packet through its route's handlers in reverse and, when they let it pass, sends what
  // may be forwarded of it to packet.peer(). Returns false when a handler dropped it.
  virtual bool deliver(Packet& packet) = 0;
  // Answers a request statelessly (RFC 3261 8.2.7): Via with received and rport, a To tag that marks the
  // answer as ours, so that the ACK to it is recognised and swallowed. `extra` is whole header lines, or
  // empty.
  virtual void reply(Packet& request, int status, std::string_view reason, std::string_view extra = {}) = 0;

  // --- streams: back-pressure and ends
  // ------------------------------------------------------------------------ Octets queued towards the client
  // of a stream and not yet taken by the kernel.
  virtual std::size_t queued(const Peer& peer) const = 0;
  // Stops reading from the client's stream until resume(); a stream paused for over 30 s is closed.
  virtual void pause(const Peer& peer) = 0;
  virtual void resume(const Peer& peer) = 0;
  // Stops reading from the client's stream for `time` from now: it asks faster than it may, and what it would
  // lose it would not send again (RFC 3261 17.1.2.1). Besides pause(), and without its limit.
  virtual void delay(const Peer& peer, Duration time) = 0;
  // Closes the client's stream after what is queued was written.
  virtual void close(const Peer& peer) = 0;
  // Calls `ended` once when the client's stream has ended (now, when it already has), and `drained` each time
  // its queue falls to nothing. Watchers add up, and stay until the stream ends.
  virtual void watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) = 0;
  // What the layers of the client's stream learned of it; nullptr for datagrams, for a stream that has no
  // layers, and when it is gone.
  virtual const StreamInfo* stream_info(const Peer& peer) const {
    (void)peer;
    return nullptr;
  }
  // Closes every stream whose client is in the prefix (a new ban).
  virtual void close_source(const Cidr& prefix) = 0;

  // Runs `end` once at the end of the batch that is being dealt with (at once when none is). `end` must live
  // until then.
  virtual void at_batch_end(BatchEnd& end) = 0;

  // --- sockets for handlers that forward
  // --------------------------------------------------------------------- A UDP socket on this worker, bound
  // to `local` (port 0: any) and, when `remote` is given, connected to it. `receive` is called for each
  // datagram, octets valid during the call. nullptr with errno set on failure.
  using Receive = std::function<void(const Endpoint& from, std::string_view octets)>;
  virtual std::unique_ptr<UdpPort> open_udp(const Endpoint& local, const Endpoint* remote,
                                            Receive receive) = 0;
};

// A UDP socket that a handler opened. Destroying it closes the socket; it may be destroyed inside `receive`
// of another port, not inside its own.
class UdpPort {
 public:
  virtual ~UdpPort() = default;
  // Queues a copy; leaves with the batch in one sendmmsg. For an unconnected port `to` is required.
  virtual void send(std::string_view octets, const Endpoint* to = nullptr) = 0;
  virtual Endpoint local() const = 0;
};

// All workers of the process. Safe to call from any thread.
class Workers {
 public:
  virtual ~Workers() = default;
  virtual std::size_t count() const = 0;
  // The worker that owns a source address (IPv6: its /64).
  virtual std::size_t owner(const Address& address) const = 0;
  // Runs `task` on that worker's thread, or on every worker's.
  virtual void post(std::size_t worker, std::function<void(Worker&)> task) = 0;
  virtual void post_all(std::function<void(Worker&)> task) = 0;
};

}  // namespace sipward

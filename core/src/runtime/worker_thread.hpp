#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "routing/route_tree.hpp"
#include "runtime/runtime_metrics.hpp"
#include "sipward/published.hpp"
#include "sipward/worker.hpp"
#include "tcp/connections.hpp"
#include "udp/poller.hpp"
#include "udp/receive_ring.hpp"
#include "udp/send_queue.hpp"
#include "udp/sockets.hpp"

namespace sipward {

class WorkerPool;

// The worker: one thread, one io_context, its sockets, and everything about the sources it owns.
class WorkerThread final : public Worker, private Poller::Batches {
 public:
  struct Setup {
    std::size_t index;
    WorkerPool& pool;
    const Clock& clock;
    Logger& log;
    RuntimeMetrics metrics;
    HashKey key;
    Sources::Limits limits;
    const Published<Routing>& routing;
  };
  explicit WorkerThread(const Setup& setup);
  ~WorkerThread() override;

  void start();  // control thread
  void join();   // control thread, after stop() was posted
  // After join(), while every other worker still exists: lets go of sockets, streams and the routing, and
  // runs what that posts. Control thread.
  void wind_up();
  // Ends the loop; safe from any thread.
  void stop() { io_.stop(); }

  // Sends and end-of-batch work wait for the end of the outermost one.
  class Batch {
   public:
    explicit Batch(WorkerThread& worker) : worker_(worker) { worker_.batch_begins(); }
    ~Batch() { worker_.batch_ends(); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    WorkerThread& worker_;
  };

  // --- on the worker's thread
  // --------------------------------------------------------------------------------
  void open_udp_listener(std::uint32_t number, FileDescriptor socket, bool v6, const Endpoint& bound,
                         bool steered);
  // The configuration no longer lists it: no new connections. What came by it goes on until it is closed.
  void retire_listener(std::uint32_t number) { connections_.stop_accepting(number); }
  void close_listener(std::uint32_t number);  // and the connections that came by it
  Connections& connections() { return connections_; }
  enum class Inbound : std::uint8_t { message, keep_alive, raw };
  // What came of a client runs through the chain.
  void inbound(const Peer& peer, std::string_view octets, Inbound what);
  void hand_over_connection(std::size_t owner, std::uint32_t number, Transport transport, int fd);
  const RouteServer* server(std::uint32_t listener) {
    const auto& routing = routing_.get();
    return routing ? routing->server(listener) : nullptr;
  }
  std::shared_ptr<const RouteServer> shared_server(std::uint32_t listener) {
    const auto& routing = routing_.get();
    return routing && listener < routing->by_listener.size() ? routing->by_listener[listener] : nullptr;
  }
  void post_to(std::size_t worker, std::function<void(Worker&)> task);
  bool winding_up() const { return winding_up_; }
  void refresh_routing() { routing_.get(); }
  const RuntimeMetrics& metrics() const { return metrics_; }
  // Runs what calls a handler: one that throws costs its message or connection, not the loop around it. False
  // then.
  template <class Task>
  bool shielded(Task&& task) {
    try {
      task();
      return true;
    } catch (const std::exception& e) {
      handler_failed(e.what());
      return false;
    }
  }
  std::size_t owner(const Address& source) const { return steer(source, count()); }
  // What a stream reads into; its octets stay until the next one reads.
  std::span<char> stream_scratch() { return {stream_scratch_.get(), kStreamScratch}; }
  // Octets that the streams of this worker hold.
  std::size_t& stream_memory() { return stream_memory_; }

  // --- Worker
  // --------------------------------------------------------------------------------------------------
  std::size_t index() const override { return index_; }
  std::size_t count() const override;
  boost::asio::io_context& io() override { return io_; }
  Time now() const override { return depth_ > 0 ? now_ : clock_.now(); }
  Sources& sources() override { return sources_; }
  void send(const Peer& to, std::string_view octets) override;
  bool deliver(Packet& packet) override;
  void reply(Packet& request, int status, std::string_view reason, std::string_view extra) override;
  std::size_t queued(const Peer& peer) const override { return connections_.queued(peer); }
  void pause(const Peer& peer) override { connections_.pause(peer); }
  void resume(const Peer& peer) override { connections_.resume(peer); }
  void delay(const Peer& peer, Duration time) override { connections_.delay(peer, time); }
  void close(const Peer& peer) override { connections_.close(peer); }
  void watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) override;
  const StreamInfo* stream_info(const Peer& peer) const override { return connections_.info(peer); }
  void close_source(const Cidr& prefix) override { connections_.close_source(prefix); }
  void at_batch_end(BatchEnd& end) override;
  std::unique_ptr<UdpPort> open_udp(const Endpoint& local, const Endpoint* remote, Receive receive) override;

 private:
  class UdpListener;
  class ClientPort;
  void batch_begins() override;
  void batch_ends() override;
  void foresee(std::uint32_t listener, std::size_t count);
  void datagram(UdpListener& listener, const ReceiveRing::Datagram& datagram);
  void passed_on();
  void handler_failed(std::string_view what);

  std::size_t index_;
  WorkerPool& pool_;
  const Clock& clock_;
  Logger& log_;
  RuntimeMetrics metrics_;
  Sources sources_;
  Published<Routing>::Reader routing_;
  static constexpr std::size_t kStreamScratch = std::size_t{16} * 1024;  // so much of a stream per turn
  std::unique_ptr<char[]> stream_scratch_{new char[kStreamScratch]};
  std::size_t stream_memory_ = 0;  // outlives every stream that the loop holds
  bool winding_up_ = false;        // streams that end are not counted any more
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  static constexpr std::size_t kMaxHanded = 4096;
  std::atomic<std::size_t> handed_{0};  // datagrams that other workers received for this one, and wait
  ReceiveRing ring_;
  SendQueue queue_;
  SendQueue::Counts counted_;
  Poller poller_;
  std::vector<std::unique_ptr<UdpListener>> listeners_;  // by number; empty where another transport listens
  Connections connections_;
  Packet packet_;
  std::string reply_;
  Time now_{};
  int depth_ = 0;
  bool went_on_ = false;  // something of the socket that is being read was passed on or answered
  std::vector<BatchEnd*> ends_;
  LogLimit handler_errors_;
  std::thread thread_;
};

}  // namespace sipward

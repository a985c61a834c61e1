#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sipward/worker.hpp"

namespace sipward::test {

// A UDP socket that a handler opened on a FakeWorker. Call `receive` to let a datagram arrive.
struct FakePort {
  struct Sent {
    std::optional<Endpoint> to;  // none: what the port is connected to
    std::string octets;
  };
  Endpoint local;
  std::optional<Endpoint> remote;  // when it is connected
  Worker::Receive receive;
  std::vector<Sent> sent;
  bool open = true;
};

// A worker without sockets: notes what handlers ask of it. The table of sources is the real one. For one
// thread.
class FakeWorker final : public Worker {
 public:
  struct Sent {
    Peer to;
    std::string octets;
  };
  struct Reply {
    Peer to;
    int status = 0;
    std::string reason;
    std::string extra;
  };
  struct Watch {
    Peer peer;
    std::function<void()> drained, ended;
  };

  // The clock must outlive the worker.
  FakeWorker(std::size_t index, std::size_t count, const Clock& clock);
  explicit FakeWorker(const Clock& clock) : FakeWorker(0, 1, clock) {}
  ~FakeWorker() override;

  std::vector<Sent> sent;  // to clients, in order: by send(), deliver() and reply()
  std::vector<Reply> replies;
  std::vector<Peer> closed, paused, resumed;
  std::vector<std::pair<Peer, Duration>> delayed;
  std::vector<Cidr> closed_sources;
  std::vector<Watch> watches;
  std::vector<std::shared_ptr<FakePort>> ports;
  std::size_t queue = 0;       // what queued() says
  bool refuses_ports = false;  // open_udp() fails
  // What stands between deliver() and the client; false drops the packet. Empty: nothing does.
  std::function<bool(Packet&)> outbound;

  std::size_t index() const override { return index_; }
  std::size_t count() const override { return count_; }
  boost::asio::io_context& io() override { return *io_; }
  Time now() const override { return clock_.now(); }
  Sources& sources() override { return sources_; }

  void send(const Peer& to, std::string_view octets) override;
  bool deliver(Packet& packet) override;
  void reply(Packet& request, int status, std::string_view reason, std::string_view extra) override;
  std::size_t queued(const Peer&) const override { return queue; }
  void pause(const Peer& peer) override { paused.push_back(peer); }
  void resume(const Peer& peer) override { resumed.push_back(peer); }
  void delay(const Peer& peer, Duration time) override { delayed.emplace_back(peer, time); }
  void close(const Peer& peer) override { closed.push_back(peer); }
  void watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) override;
  void close_source(const Cidr& prefix) override { closed_sources.push_back(prefix); }
  void at_batch_end(BatchEnd& end) override { end.batch_end(); }
  std::unique_ptr<UdpPort> open_udp(const Endpoint& local, const Endpoint* remote, Receive receive) override;

 private:
  std::size_t index_;
  std::size_t count_;
  const Clock& clock_;
  std::unique_ptr<boost::asio::io_context> io_;
  Sources sources_;
};

// Workers on the test's own thread: a posted task runs when run() is called.
class FakeWorkers final : public Workers {
 public:
  FakeWorkers(std::size_t count, const Clock& clock);
  std::size_t count() const override { return workers_.size(); }
  std::size_t owner(const Address& address) const override {
    return static_cast<std::size_t>(address.high() ^ address.low()) % workers_.size();
  }
  void post(std::size_t worker, std::function<void(Worker&)> task) override {
    tasks_.emplace_back(worker, std::move(task));
  }
  void post_all(std::function<void(Worker&)> task) override {
    for (std::size_t i = 0; i < count(); ++i) post(i, task);
  }

  FakeWorker& at(std::size_t index) { return *workers_[index]; }
  // Every task posted so far and by these, and what is ready on the workers' event loops.
  void run();

 private:
  std::vector<std::unique_ptr<FakeWorker>> workers_;
  std::deque<std::pair<std::size_t, std::function<void(Worker&)>>> tasks_;
};

}  // namespace sipward::test

#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/packet.hpp"
#include "sipward/worker.hpp"

// Stand-ins for what a handler or matcher finds around itself, for tests of modules.
namespace sipward::test {

// Far enough ahead of the real clock that no real timer of a test ever fires: tests move time themselves.
class FakeClock final : public Clock {
 public:
  Time now() const override { return now_; }
  WallTime wall() const override { return {}; }
  void advance(Duration by) { now_ += by; }

 private:
  Time now_ = std::chrono::steady_clock::now() + std::chrono::hours(24 * 365);
};

// A worker that keeps what is delivered.
class RecordingWorker final : public Worker {
 public:
  explicit RecordingWorker(const Clock& clock) : clock_(clock) {}

  struct Delivered {
    Peer to;
    std::string octets;
  };
  std::vector<Delivered> delivered;

  std::size_t index() const override { return 0; }
  std::size_t count() const override { return 1; }
  boost::asio::io_context& io() override { return io_; }
  Time now() const override { return clock_.now(); }
  Sources& sources() override { return sources_; }
  void send(const Peer&, std::string_view) override {}
  bool deliver(Packet& packet) override {
    delivered.push_back({packet.peer(), std::string(packet.octets())});
    return true;
  }
  void reply(Packet&, int, std::string_view, std::string_view) override {}
  std::size_t queued(const Peer&) const override { return 0; }
  void pause(const Peer&) override {}
  void resume(const Peer&) override {}
  void close(const Peer&) override {}
  void watch(const Peer&, std::function<void()>, std::function<void()>) override {}
  void close_source(const Cidr&) override {}
  void at_batch_end(BatchEnd& end) override { end.batch_end(); }
  std::unique_ptr<UdpPort> open_udp(const Endpoint&, const Endpoint*, Receive) override { return nullptr; }

 private:
  const Clock& clock_;
  boost::asio::io_context io_;
  Sources sources_{HashKey{1, 2}, Sources::Limits{}};
};

class SingleWorker final : public Workers {
 public:
  explicit SingleWorker(Worker& worker) : worker_(worker) {}
  std::size_t count() const override { return 1; }
  std::size_t owner(const Address&) const override { return 0; }
  void post(std::size_t, std::function<void(Worker&)> task) override { task(worker_); }
  void post_all(std::function<void(Worker&)> task) override { task(worker_); }

 private:
  Worker& worker_;
};

}  // namespace sipward::test

#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fake_clock.hpp"
#include "sipward/build_context.hpp"
#include "sipward/worker.hpp"

namespace sipward::test {

// A worker without sockets: notes what handlers ask of it.
class FakeWorker final : public Worker {
 public:
  struct Reply {
    Peer to;
    int status = 0;
    std::string extra;
  };

  FakeWorker(std::size_t index, std::size_t count, const Clock& clock)
      : index_(index), count_(count), clock_(clock), sources_(HashKey{1, 2}, Sources::Limits()) {}

  std::size_t index() const override { return index_; }
  std::size_t count() const override { return count_; }
  boost::asio::io_context& io() override { return io_; }
  Time now() const override { return clock_.now(); }
  Sources& sources() override { return sources_; }

  void send(const Peer& to, std::string_view octets) override { sent.emplace_back(to, std::string(octets)); }
  bool deliver(Packet& packet) override {
    send(packet.peer(), packet.octets());
    return true;
  }
  void reply(Packet& request, int status, std::string_view, std::string_view extra) override {
    replies.push_back({request.peer(), status, std::string(extra)});
  }
  std::size_t queued(const Peer&) const override { return 0; }
  void pause(const Peer&) override {}
  void resume(const Peer&) override {}
  void close(const Peer& peer) override { closed.push_back(peer); }
  void watch(const Peer&, std::function<void()>, std::function<void()>) override {}
  void close_source(const Cidr& prefix) override { closed_sources.push_back(prefix); }
  void at_batch_end(BatchEnd& end) override { end.batch_end(); }
  std::unique_ptr<UdpPort> open_udp(const Endpoint&, const Endpoint*, Receive) override { return nullptr; }

  std::vector<std::pair<Peer, std::string>> sent;
  std::vector<Reply> replies;
  std::vector<Peer> closed;
  std::vector<Cidr> closed_sources;

 private:
  std::size_t index_;
  std::size_t count_;
  const Clock& clock_;
  boost::asio::io_context io_;
  Sources sources_;
};

// Workers on the test's own thread: a posted task runs when run() is called.
class FakeWorkers final : public Workers {
 public:
  FakeWorkers(std::size_t count, const Clock& clock) {
    for (std::size_t i = 0; i < count; ++i) workers_.push_back(std::make_unique<FakeWorker>(i, count, clock));
  }
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
  void run() {
    while (!tasks_.empty()) {
      auto [worker, task] = std::move(tasks_.front());
      tasks_.pop_front();
      task(*workers_[worker]);
    }
  }

 private:
  std::vector<std::unique_ptr<FakeWorker>> workers_;
  std::deque<std::pair<std::size_t, std::function<void(Worker&)>>> tasks_;
};

class SilentLogger final : public Logger {
 public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::string_view, std::initializer_list<LogField>) override {}
};

// Answers with what the test gives it, when the test says so.
class FakeResolver final : public Resolver {
 public:
  std::shared_ptr<void> watch(std::string host, Port,
                              std::function<void(std::vector<Endpoint>)> changed) override {
    watched.emplace_back(std::move(host), std::move(changed));
    return std::make_shared<int>();
  }
  std::vector<std::pair<std::string, std::function<void(std::vector<Endpoint>)>>> watched;
};

// Everything that a handler may take while provisioning, for one test.
struct FakeHost {
  explicit FakeHost(std::size_t worker_count = 1) : workers(worker_count, clock), metrics(worker_count) {}

  BuildContext context() {
    return {services,  metrics, log,           clock, workers, resolver, protected_addresses,
            endpoints, scope,   "/nonexistent"};
  }

  FakeClock clock;
  FakeWorkers workers;
  Services services;
  Metrics metrics;
  SilentLogger log;
  FakeResolver resolver;
  ProtectedAddresses protected_addresses;
  HttpEndpoints endpoints;
  BuildScope scope;
};

}  // namespace sipward::test

#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/listeners.hpp"
#include "runtime/worker_pool.hpp"
#include "sipward/build_context.hpp"
#include "sipward/config.hpp"

// Real workers inside the test's process, and real sockets on loopback to talk to them.
namespace sipward::test {

inline constexpr auto kPatience = std::chrono::seconds(20);  // for what must happen; sanitizers are slow

// Words that workers write down and the test waits for.
class Journal {
 public:
  void note(std::string word) {
    std::lock_guard lock(mutex_);
    words_.push_back(std::move(word));
    changed_.notify_all();
  }
  // The words so far, once there are at least `count`, or as many as came in time.
  std::vector<std::string> wait(std::size_t count, std::chrono::milliseconds patience = kPatience) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return words_.size() >= count; });
    return words_;
  }
  std::vector<std::string> words() const { return wait(0); }
  void clear() {
    std::lock_guard lock(mutex_);
    words_.clear();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> words_;
};

// A socket of the test's own, blocking with a time-out.
class Socket {
 public:
  Socket(int type, const Endpoint& local) {
    bool v6 = !local.address.is_v4();
    fd_ = FileDescriptor(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
    limit(kPatience);
    sockaddr_in6 name{};
    const auto size = to_sockaddr(local, v6, name);
    if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0)
      throw std::runtime_error("test can't bind " + local.to_string());
  }
  explicit Socket(FileDescriptor fd) : fd_(std::move(fd)) { limit(kPatience); }

  int fd() const { return fd_.get(); }
  Endpoint local() const {
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size);
    return Endpoint::from(reinterpret_cast<const sockaddr*>(&name));
  }
  bool connect(const Endpoint& remote) {
    sockaddr_in6 name{};
    const auto size = to_sockaddr(remote, !remote.address.is_v4(), name);
    return ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0;
  }
  void listen() { ::listen(fd_.get(), 128); }
  Socket accept() { return Socket(FileDescriptor(::accept(fd_.get(), nullptr, nullptr))); }

  bool send(std::string_view octets) {
    while (!octets.empty()) {
      const auto n = ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (n < 0) return false;
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void send_to(std::string_view octets, const Endpoint& to) {
    sockaddr_in6 name{};
    const auto size = to_sockaddr(to, !to.address.is_v4(), name);
    ::sendto(fd_.get(), octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(&name), size);
  }
  // One datagram; "" when none comes in time.
  std::string receive(Endpoint* from = nullptr, std::chrono::milliseconds patience = kPatience) {
    limit(patience);
    std::string octets(65'536, '\0');
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    const auto n =
        recvfrom(fd_.get(), octets.data(), octets.size(), 0, reinterpret_cast<sockaddr*>(&name), &size);
    if (from) *from = Endpoint::from(reinterpret_cast<const sockaddr*>(&name));
    octets.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return octets;
  }
  // From a stream: exactly `count` octets, fewer when it ends or nothing more comes in time.
  std::string read(std::size_t count) {
    limit(kPatience);
    std::string octets;
    char buffer[16 * 1024];
    while (octets.size() < count) {
      const auto n = recv(fd_.get(), buffer, std::min(sizeof buffer, count - octets.size()), 0);
      ended_well_ = n == 0;
      if (n <= 0) break;
      octets.append(buffer, static_cast<std::size_t>(n));
    }
    return octets;
  }
  // All that comes until the stream ends. ended_well() says whether that was an orderly end.
  std::string read_all() { return read(~std::size_t{0}); }
  bool ended_well() const { return ended_well_; }
  void finish_sending() { shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_ = FileDescriptor(); }

 private:
  void limit(std::chrono::milliseconds patience) {
    const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  }
  FileDescriptor fd_;
  bool ended_well_ = false;
};

inline Endpoint loopback(const std::string& address = "127.0.0.1", Port port = 0) {
  return {*Address::parse(address), port};
}

// A handler made of functions.
class Script final : public Handler {
 public:
  std::function<Verdict(Worker&, const Source&)> admit;
  std::function<void(const Source&, std::string_view)> fault;
  std::function<Verdict(Packet&)> inbound, outbound;
  bool ends = false;

  Verdict on_admit(Worker& worker, const Source& source) const override {
    return admit ? admit(worker, source) : Verdict::next;
  }
  void on_stream_fault(Worker&, const Source& source, std::string_view word) const override {
    if (fault) fault(source, word);
  }
  Verdict on_inbound(Packet& packet) const override { return inbound ? inbound(packet) : Verdict::next; }
  Verdict on_outbound(Packet& packet) const override { return outbound ? outbound(packet) : Verdict::next; }
  bool terminal() const override { return ends; }
};

class QuietLogger final : public Logger {
 public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::string_view, std::initializer_list<LogField>) override {}
};

// A tree with one server that listens on these addresses ("udp/127.0.0.1:0") and has one route to take
// everything.
inline std::shared_ptr<RouteTree> tree_of(const std::vector<std::string>& listen,
                                          std::vector<std::unique_ptr<Handler>> handlers) {
  auto tree = std::make_shared<RouteTree>();
  auto server = std::make_unique<RouteServer>();
  server->idle_timeout = std::chrono::minutes(5);
  for (const auto& address : listen) server->listen.push_back({*config::parse_listen(address), {}});
  server->routes.emplace_back().handlers = std::move(handlers);
  server->find_upstream_sides();
  tree->servers.push_back(std::move(server));
  return tree;
}
inline std::shared_ptr<RouteTree> tree_of(const std::vector<std::string>& listen,
                                          std::unique_ptr<Handler> handler) {
  std::vector<std::unique_ptr<Handler>> handlers;
  handlers.push_back(std::move(handler));
  return tree_of(listen, std::move(handlers));
}

// Workers that run, with what they need around them.
class Site {
 public:
  explicit Site(std::size_t workers = 1)
      : metrics(workers),
        pool(workers, clock, log, metrics, routing_),
        listeners(pool, log),
        counters(metrics) {
    pool.start();
  }
  ~Site() { stop(); }
  void stop() {
    routing_.publish(nullptr);
    pool.stop();
    listeners.clear();
  }

  // Runs that configuration from now on; returns once the sockets are with the workers.
  void serve(std::shared_ptr<RouteTree> tree, Duration grace = {}) {
    const auto opened = listeners.prepare(std::move(tree));
    publish(Listeners::routing(*opened));
    listeners.commit(*opened, clock.now() + grace);
    close_due(clock.now());
  }
  // Closes the listeners whose grace is over by then.
  void close_due(Time now) {
    if (auto next = listeners.close_due(now)) publish(std::move(next));
    settle();
  }
  // Where the n-th listener is bound, in the order of their addresses as text.
  Endpoint bound(std::size_t n = 0) const {
    const auto text = listeners.addresses().at(n);
    const auto endpoint = text.substr(text.find('/') + 1);
    return endpoint.front() == ':' ? loopback("127.0.0.1", static_cast<Port>(std::stoi(endpoint.substr(1))))
                                   : *Endpoint::parse(endpoint);
  }
  // Runs it on that worker and gives what it returns.
  template <class Task>
  auto run(Task task, std::size_t worker = 0) {
    std::packaged_task<std::invoke_result_t<Task, Worker&>(Worker&)> packaged(std::move(task));
    auto result = packaged.get_future();
    auto shared = std::make_shared<decltype(packaged)>(std::move(packaged));
    pool.post(worker, [shared](Worker& w) { (*shared)(w); });
    return result.get();
  }
  // Everything that was posted so far has run.
  void settle() {
    for (std::size_t i = 0; i < pool.count(); ++i) run([](Worker&) {}, i);
  }
  // Waits until the condition holds, looking again each time every worker has had its turn.
  template <class Condition>
  bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      settle();
      std::this_thread::yield();
    }
    return true;
  }

  SystemClock clock;
  QuietLogger log;
  Metrics metrics;

 private:
  // The old one ends when no worker is in the middle of it.
  void publish(std::shared_ptr<const Routing> next) {
    const auto old = routing_.snapshot();
    routing_.publish(std::move(next));
    settle();
  }

  Published<Routing> routing_;

 public:
  WorkerPool pool;
  Listeners listeners;
  RuntimeMetrics counters;
};

}  // namespace sipward::test

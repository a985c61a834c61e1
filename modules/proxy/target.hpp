#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/clock.hpp"
#include "sipward/metrics.hpp"
#include "sipward/net.hpp"
#include "sipward/services.hpp"

namespace sipward::proxy {

// One address that messages go to by one transport, and what the process knows of it, whichever upstream's
// name led there. Safe to call from any thread.
class Target {
 public:
  static constexpr std::size_t kFailures = 1024;  // that are remembered; more than max_fails can ask for

  Target(Transport transport, const Endpoint& endpoint, std::size_t workers)
      : transport_(transport), endpoint_(endpoint), requests_(workers + 1, 1) {}

  Transport transport() const { return transport_; }
  const Endpoint& endpoint() const { return endpoint_; }
  std::string to_string() const;  // udp/192.0.2.1:5060

  // A request goes there; on that worker's thread.
  void count_request(std::size_t worker) { requests_.add(worker, 0, 1); }
  std::uint64_t requests() const { return requests_.sum(0); }

  // Something came from there.
  void heard(Time now) { heard_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  Time last_heard() const { return Time(Duration(heard_.load(std::memory_order_relaxed))); }

  // It refused, was out of reach, or left a request without an answer.
  void fail(Time now);
  Time last_failure() const;
  // At least `max` failures within `window` before now.
  bool failing(Time now, Duration window, unsigned max) const;
  unsigned failures(Time now, Duration window) const;

  std::atomic<std::int64_t> flows{0};    // clients with a connection or a socket of their own to it
  std::atomic<std::int64_t> active{0};   // calls, and requests that wait for their answer
  std::atomic<bool> draining{false};     // gets nothing new
  std::atomic<unsigned> checks_down{0};  // checks that found it down

 private:
  const Transport transport_;
  const Endpoint endpoint_;
  CounterCells requests_;
  std::atomic<Duration::rep> heard_{0};
  std::atomic<std::uint64_t> failed_{0};  // how often, ever
  std::array<std::atomic<Duration::rep>, kFailures> failures_{};
};

// All of them; the service "proxy/targets/1". Each lives as long as somebody uses it, so that what is known
// of it outlives a reload. Safe to call from any thread.
class Targets final : public Service {
 public:
  explicit Targets(std::size_t workers) : workers_(workers) {}
  // The one of the process, with its gauges. Control thread.
  static std::shared_ptr<Targets> get(BuildContext& context);
  std::shared_ptr<Target> get(Transport transport, const Endpoint& endpoint);
  std::vector<std::shared_ptr<Target>> all() const;  // that somebody uses

 private:
  const std::size_t workers_;
  mutable std::mutex mutex_;
  std::map<std::pair<Transport, Endpoint>, std::weak_ptr<Target>> targets_;
};

}  // namespace sipward::proxy

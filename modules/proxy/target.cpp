#include "target.hpp"

#include <algorithm>

namespace sipward::proxy {

std::string Target::to_string() const {
  return std::string(sipward::to_string(transport_)) + '/' + endpoint_.to_string();
}

void Target::fail(Time now) {
  const auto n = failed_.fetch_add(1, std::memory_order_relaxed);
  failures_[n % kFailures].store(now.time_since_epoch().count(), std::memory_order_release);
}

Time Target::last_failure() const {
  const auto n = failed_.load(std::memory_order_relaxed);
  return n == 0 ? Time{} : Time(Duration(failures_[(n - 1) % kFailures].load(std::memory_order_acquire)));
}

bool Target::failing(Time now, Duration window, unsigned max) const {
  const auto n = failed_.load(std::memory_order_relaxed);
  if (window <= Duration::zero() || max == 0 || n < max) return false;
  const auto when = failures_[(n - max) % kFailures].load(std::memory_order_acquire);
  return when != 0 && Duration(when) + window > now.time_since_epoch();
}

unsigned Target::failures(Time now, Duration window) const {
  const auto known = std::min<std::uint64_t>(failed_.load(std::memory_order_relaxed), kFailures);
  unsigned count = 0;
  for (std::uint64_t i = 0; i < known; ++i) {
    const auto when = failures_[i].load(std::memory_order_acquire);
    if (when != 0 && Duration(when) + window > now.time_since_epoch()) ++count;
  }
  return count;
}

std::shared_ptr<Targets> Targets::get(BuildContext& context) {
  return context.services.find_or_make<Targets>("proxy/targets/1", [&] {
    auto targets = std::make_shared<Targets>(context.workers.count());
    const auto sum = [&](const char* name, const char* help, auto of) {
      context.metrics.gauge(name, help, targets, [weak = std::weak_ptr(targets), of] {
        const auto live = weak.lock();
        double total = 0;
        if (live)
          for (const auto& target : live->all()) total += static_cast<double>(of(*target));
        return total;
      });
    };
    sum("sip_proxy_upstreams", "Addresses of upstreams.", [](const Target&) { return 1; });
    sum("sip_proxy_upstreams_up", "Addresses of upstreams that no check found down.",
        [](const Target& t) { return t.checks_down == 0 ? 1 : 0; });
    sum("sip_proxy_upstreams_draining", "Addresses of upstreams that get nothing new.",
        [](const Target& t) { return t.draining ? 1 : 0; });
    sum("sip_proxy_upstream_active", "Calls, and requests without an answer.",
        [](const Target& t) { return t.active.load(); });
    sum("sip_proxy_upstream_flows", "Clients with a connection or port of their own to an upstream.",
        [](const Target& t) { return t.flows.load(); });
    return targets;
  });
}

std::shared_ptr<Target> Targets::get(Transport transport, const Endpoint& endpoint) {
  std::lock_guard lock(mutex_);
  auto& slot = targets_[{transport, endpoint}];
  if (auto known = slot.lock()) return known;
  auto made = std::make_shared<Target>(transport, endpoint, workers_);
  slot = made;
  std::erase_if(targets_, [](const auto& entry) { return entry.second.expired(); });
  return made;
}

std::vector<std::shared_ptr<Target>> Targets::all() const {
  std::vector<std::shared_ptr<Target>> live;
  std::lock_guard lock(mutex_);
  for (const auto& [where, weak] : targets_)
    if (auto target = weak.lock()) live.push_back(std::move(target));
  return live;
}

}  // namespace sipward::proxy

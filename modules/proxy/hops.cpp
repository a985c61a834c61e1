#include "hops.hpp"

#include <algorithm>

namespace sipward::proxy {

std::shared_ptr<Hops> Hops::get(Port fixed_port, const std::shared_ptr<Shards>& shards,
                                BuildContext& context) {
  return context.services.find_or_make<Hops>("proxy/hops/1/" + std::to_string(fixed_port), [&] {
    return std::make_shared<Hops>(fixed_port, shards, context);
  });
}

Hops::Hops(Port fixed_port, std::shared_ptr<Shards> shards, BuildContext& context)
    : workers_(context.workers),
      shards_(std::move(shards)),
      metrics_(context.metrics),
      marks_(HashKey::random()),
      fixed_port_(fixed_port),
      hops_(context.workers.count()) {}

// Sockets and timers belong to their workers' threads, so that is where they end.
Hops::~Hops() {
  for (std::size_t i = 0; i < hops_.size(); ++i)
    if (hops_[i])
      workers_.post(
          i, [hop = std::make_shared<std::unique_ptr<Hop>>(std::move(hops_[i]))](Worker&) { hop->reset(); });
}

void Hops::add(const std::shared_ptr<const Upstream>& upstream) {
  std::lock_guard lock(mutex_);
  std::erase_if(upstreams_, [](const auto& u) { return u.expired(); });
  upstreams_.push_back(upstream);
}

Hop& Hops::at(Worker& worker) {
  auto& hop = hops_[worker.index()];
  if (!hop) hop = std::make_unique<Hop>(worker, *this);
  return *hop;
}

void Hops::hand_over(std::size_t worker, std::vector<Hop::Received> received) {
  const auto count = received.size();
  if (handed_.load(std::memory_order_relaxed) + count > kMaxHanded) return;
  handed_.fetch_add(count, std::memory_order_relaxed);
  workers_.post(worker, [self = weak_from_this(), messages = std::move(received)](Worker& w) {
    const auto hops = self.lock();
    if (!hops) return;
    hops->handed_.fetch_sub(messages.size(), std::memory_order_relaxed);
    auto& hop = hops->at(w);
    for (const auto& message : messages) hop.from_upstream(message.from, message.octets, message.tried + 1);
  });
}

std::vector<Endpoint> Hops::upstreams() const {
  std::vector<Endpoint> found;
  std::lock_guard lock(mutex_);
  for (const auto& weak : upstreams_)
    if (const auto upstream = weak.lock())
      for (const auto& endpoint : upstream->addresses()) found.push_back(endpoint);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace sipward::proxy

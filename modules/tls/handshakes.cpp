#include "handshakes.hpp"

#include <string_view>

namespace sipward::tls {

std::shared_ptr<Handshakes> Handshakes::get(BuildContext& context) {
  return context.services.find_or_make<Handshakes>("tls/handshakes", [&] {
    auto all = std::make_shared<Handshakes>(context.metrics, context.workers.count());
    context.metrics.gauge("sipward_tls_handshakes_running", "TLS handshakes that are under way.", all,
                          [weak = std::weak_ptr(all)] {
                            const auto live = weak.lock();
                            return live ? static_cast<double>(live->running()) : 0.0;
                          });
    return all;
  });
}

Handshakes::Handshakes(Metrics& metrics, std::size_t workers) : workers_(workers) {
  static constexpr std::string_view kVersions[] = {"tls1.2", "tls1.3"};
  static constexpr std::string_view kReloads[] = {"taken", "refused"};
  results = metrics.counter("sipward_tls_handshakes_total", "TLS handshakes of clients, by how they ended.",
                            "result", kHandshakes);
  versions = metrics.counter("sipward_tls_versions_total", "TLS handshakes that were completed, by version.",
                             "version", kVersions);
  broken = metrics.counter("sipward_tls_broken_total",
                           "TLS connections that ended by a fault after their handshake.");
  reloads = metrics.counter("sipward_tls_certificate_reloads_total",
                            "Certificates, keys and trust pools whose files changed.", "result", kReloads);
}

Handshakes::Place Handshakes::enter(const std::shared_ptr<Handshakes>& all, Worker& worker,
                                    const Address& source, const Limits& limits) {
  Place place;
  const auto key = keyed_hash(worker.sources().key(), source_of(source));
  auto& by_source = all->workers_[worker.index()].by_source;
  const auto mine = by_source.find(key);
  if (all->running_.fetch_add(1, std::memory_order_relaxed) >= limits.total ||
      (mine != by_source.end() && mine->second >= limits.per_source)) {
    all->running_.fetch_sub(1, std::memory_order_relaxed);
    all->ended(worker, Handshake::limit);
    return place;
  }
  ++by_source[key];
  place.all_ = all;
  place.worker_ = worker.index();
  place.key_ = key;
  return place;
}

void Handshakes::leave(std::size_t worker, std::uint64_t key) {
  running_.fetch_sub(1, std::memory_order_relaxed);
  auto& by_source = workers_[worker].by_source;
  const auto mine = by_source.find(key);
  if (mine != by_source.end() && --mine->second == 0) by_source.erase(mine);
}

}  // namespace sipward::tls

#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "hop.hpp"
#include "hop_marks.hpp"
#include "metrics.hpp"
#include "shard.hpp"
#include "sipward/build_context.hpp"
#include "sipward/services.hpp"
#include "upstream.hpp"

namespace sipward::proxy {

// What the SIP hops of all workers share; a service that outlives reloads. Hops are made by their workers.
class Hops final : public Service, public std::enable_shared_from_this<Hops> {
 public:
  static std::shared_ptr<Hops> get(Port fixed_port, const std::shared_ptr<Shards>& shards,
                                   BuildContext& context);

  Hops(Port fixed_port, std::shared_ptr<Shards> shards, BuildContext& context);
  ~Hops() override;

  // What comes from its addresses is a message of an upstream from now on. Control thread.
  void add(const std::shared_ptr<const Upstream>& upstream);

  // --- on that worker's thread
  Hop& at(Worker& worker);
  // Messages of upstreams that another worker received; too many at a time are dropped.
  void hand_over(std::size_t worker, std::vector<Hop::Received> received);
  // Any thread.
  std::vector<Endpoint> upstreams() const;

  UpstreamEvents& events(Worker& worker) { return shards_->at(worker).events(); }
  const ProxyMetrics& metrics() const { return metrics_; }
  const Marks& marks() const { return marks_; }
  const Workers& workers() const { return workers_; }
  Port fixed_port() const { return fixed_port_; }

 private:
  static constexpr std::size_t kMaxHanded = 4096;  // waiting, for all workers

  Workers& workers_;
  std::shared_ptr<Shards> shards_;
  ProxyMetrics metrics_;
  Marks marks_;
  Port fixed_port_;
  std::atomic<std::size_t> handed_{0};
  std::vector<std::unique_ptr<Hop>> hops_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<const Upstream>> upstreams_;
};

}  // namespace sipward::proxy

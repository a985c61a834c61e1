#pragma once

#include <memory>
#include <vector>

#include "runtime/worker_thread.hpp"
#include "sipward/worker.hpp"

namespace sipward {

// The workers of the process. Their number never changes: it decides who owns which source.
class WorkerPool final : public Workers {
 public:
  WorkerPool(std::size_t count, const Clock& clock, Logger& log, Metrics& metrics,
             const Published<Routing>& routing, const Sources::Limits& limits = {});
  ~WorkerPool() override;  // stops and joins

  void start();
  void stop();     // ends every loop and joins; control thread
  void wind_up();  // after stop(): lets go of what workers hold, and runs what was posted to them

  // Returns when every worker has run what was posted to it so far; control thread.
  void barrier();

  WorkerThread& operator[](std::size_t i) { return *workers_[i]; }
  std::size_t count() const override { return workers_.size(); }
  std::size_t owner(const Address& address) const override { return steer(address, workers_.size()); }
  void post(std::size_t worker, std::function<void(Worker&)> task) override;
  void post_all(std::function<void(Worker&)> task) override;

 private:
  std::vector<std::unique_ptr<WorkerThread>> workers_;
  bool running_ = false;
};

}  // namespace sipward

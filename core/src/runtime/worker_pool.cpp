#include "runtime/worker_pool.hpp"

#include <boost/asio/post.hpp>
#include <latch>

namespace sipward {

WorkerPool::WorkerPool(std::size_t count, const Clock& clock, Logger& log, Metrics& metrics,
                       const Published<Routing>& routing, const Sources::Limits& limits) {
  const auto key = HashKey::random();
  workers_.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    workers_.push_back(std::make_unique<WorkerThread>(
        WorkerThread::Setup{i, *this, clock, log, RuntimeMetrics(metrics), key, limits, routing}));
}

WorkerPool::~WorkerPool() {
  stop();
}

void WorkerPool::start() {
  for (auto& worker : workers_) worker->start();
  running_ = true;
}

void WorkerPool::stop() {
  if (!running_) return;
  running_ = false;
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  wind_up();
}

void WorkerPool::wind_up() {
  // Twice: what one winds up may post to another.
  for (int round = 0; round < 2; ++round)
    for (auto& worker : workers_) worker->wind_up();
}

void WorkerPool::barrier() {
  if (!running_) return;
  auto passed = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(workers_.size()));
  post_all([passed](Worker&) { passed->count_down(); });
  passed->wait();
}

void WorkerPool::post(std::size_t worker, std::function<void(Worker&)> task) {
  auto& target = *workers_[worker];
  boost::asio::post(target.io(), [&target, task = std::move(task)] {
    const WorkerThread::Batch batch(target);
    task(target);
  });
}

void WorkerPool::post_all(std::function<void(Worker&)> task) {
  for (std::size_t i = 0; i < workers_.size(); ++i) post(i, task);
}

}  // namespace sipward

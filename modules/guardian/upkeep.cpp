#include "upkeep.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "detection.hpp"

namespace sipward::guardian {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);

// Held by its own timer, so that it ends with the setup or with the worker's loop, whichever is first.
class Upkeep : public std::enable_shared_from_this<Upkeep> {
 public:
  Upkeep(std::weak_ptr<const Setup> setup, Worker& worker)
      : setup_(std::move(setup)), worker_(worker), timer_(worker.io()) {}

  void later() {
    timer_.expires_after(kEvery);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& stopped) {
      const auto setup = stopped ? nullptr : self->setup_.lock();
      if (!setup) return;
      Detection(*setup, setup->instance->shard(self->worker_.index()), self->worker_).due();
      self->later();
    });
  }

 private:
  std::weak_ptr<const Setup> setup_;
  Worker& worker_;
  boost::asio::steady_timer timer_;
};

}  // namespace

void start_upkeep(const std::shared_ptr<const Setup>& setup, Workers& workers) {
  workers.post_all(
      [weak = std::weak_ptr(setup)](Worker& worker) { std::make_shared<Upkeep>(weak, worker)->later(); });
}

}  // namespace sipward::guardian

#include "runtime/heartbeat.hpp"

#include <utility>

namespace sipward {

Heartbeat::Heartbeat(boost::asio::io_context& control, Workers& workers)
    : workers_(workers), timer_(control) {}

void Heartbeat::start(std::chrono::microseconds period, std::function<void()> alive) {
  period_ = period;
  alive_ = std::move(alive);
  round();
}

void Heartbeat::stop() {
  timer_.cancel();
}

void Heartbeat::round() {
  // No new question while one is open: a hanging worker's queue does not grow.
  if (!silent_ || silent_->load() == 0) {
    if (silent_) alive_();
    silent_ = std::make_shared<std::atomic<std::size_t>>(workers_.count());
    workers_.post_all([silent = silent_](Worker&) { silent->fetch_sub(1); });
  }
  timer_.expires_after(period_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) round();
  });
}

}  // namespace sipward

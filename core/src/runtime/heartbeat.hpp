#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "sipward/worker.hpp"

namespace sipward {

// Asks every worker for a sign of life, again and again, and reports a round only when all have answered: a
// worker that hangs silences it, although the control thread is well. Control thread; the workers must
// outlive it.
class Heartbeat {
 public:
  Heartbeat(boost::asio::io_context& control, Workers& workers);
  // A round every `period`; `alive` is called at the end of each that was answered in full.
  void start(std::chrono::microseconds period, std::function<void()> alive);
  void stop();

 private:
  void round();

  Workers& workers_;
  boost::asio::steady_timer timer_;
  std::chrono::microseconds period_{};
  std::function<void()> alive_;
  std::shared_ptr<std::atomic<std::size_t>> silent_;  // workers that have not answered; null before the first
};

}  // namespace sipward

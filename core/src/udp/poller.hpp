#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <vector>

namespace sipward {

// Something with a file descriptor that becomes readable.
class Pollable {
 public:
  virtual ~Pollable() = default;
  // False when that was not worth waking up for: nothing of what was read went anywhere, and nothing is left.
  virtual bool readable() = 0;

 private:
  friend class Poller;
  int polled_ = -1;
};

// An epoll set of its own inside the worker's io_context: thousands of UDP sockets cost one Asio wait, and a
// wake-up serves many sockets in one go. A socket that was not worth it rests for kRest and is then read
// again: a flood of banned sources wakes the worker a few hundred times a second and not once for each
// packet, and whoever shares the socket with them waits that much longer. One worker's.
class Poller {
 public:
  // `before` and `after` are called around every batch of sockets that were served.
  class Batches {
   public:
    virtual ~Batches() = default;
    virtual void batch_begins() = 0;
    virtual void batch_ends() = 0;
  };
  Poller(boost::asio::io_context& io, Batches& batches);  // throws std::system_error
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  static constexpr auto kRest = std::chrono::milliseconds(2);

  bool add(int fd, Pollable& what);  // false with errno set
  // Before the descriptor is closed. Safe while a batch runs, even for a socket that is due in it.
  void remove(int fd, Pollable& what);

 private:
  static constexpr int kEvents = 64;
  void wait();
  void serve();
  void serve_rested();
  void begin_rest(Pollable& what);
  void wait_for_rest();
  bool watch(Pollable& what, int operation, bool readable);

  int fd_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  Batches& batches_;
  Pollable** due_ = nullptr;  // the batch being served
  int due_count_ = 0;
  std::vector<Pollable*> resting_;  // null: removed meanwhile
  bool timed_ = false;
};

}  // namespace sipward

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>

namespace sipward {

// Something with a file descriptor that becomes readable.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void readable() = 0;
};

// An epoll set of its own inside the worker's io_context: thousands of UDP sockets cost one Asio wait, and a
// wake-up serves many sockets in one go. One worker's.
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

  bool add(int fd, Pollable& what);  // false with errno set
  // Before the descriptor is closed. Safe while a batch runs, even for a socket that is due in it.
  void remove(int fd, Pollable& what);

 private:
  static constexpr int kEvents = 64;
  void wait();
  void serve();

  int fd_;
  boost::asio::posix::stream_descriptor descriptor_;
  Batches& batches_;
  Pollable** due_ = nullptr;  // the batch being served
  int due_count_ = 0;
};

}  // namespace sipward

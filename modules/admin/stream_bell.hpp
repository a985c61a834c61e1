#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

namespace sipward::admin {

// What a connection that sends a stream waits with. Admin thread.
struct StreamPause {
  explicit StreamPause(const boost::asio::any_io_executor& admin) : news(admin) {}
  // True when the time passed without news.
  boost::asio::awaitable<bool> passes(std::chrono::milliseconds time);
  void end() {
    ended = true;
    news.cancel();
  }

  boost::asio::steady_timer news;
  bool ended = false;
  std::array<char, 64> scrap{};
};

// With what others tell a connection that there is something to send. Outlives the connection.
class StreamBell : public std::enable_shared_from_this<StreamBell> {
 public:
  // Any thread; does nothing when the connection is gone or has not listened since the last ring.
  void ring();
  // Admin thread: from now on rings are heard again.
  void hush();

  // Hangs as long as the connection listens.
  class Hung {
   public:
    Hung(const boost::asio::any_io_executor& admin, boost::asio::steady_timer& news);
    ~Hung();
    Hung(const Hung&) = delete;
    Hung& operator=(const Hung&) = delete;
    const std::shared_ptr<StreamBell>& get() const { return bell_; }

   private:
    std::shared_ptr<StreamBell> bell_;
  };

 private:
  std::mutex mutex_;
  boost::asio::any_io_executor admin_;
  boost::asio::steady_timer* news_ = nullptr;  // null: nobody listens
  bool rung_ = false;
};

// One chunk of a body of unknown length (RFC 9112 7.1). `text` is not empty.
std::string as_chunk(const std::string& text);

}  // namespace sipward::admin

#include "stream_bell.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>

namespace sipward::admin {

namespace asio = boost::asio;

asio::awaitable<bool> StreamPause::passes(std::chrono::milliseconds time) {
  news.expires_after(time);
  const auto [ec] = co_await news.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return !ec;
}

void StreamBell::ring() {
  // Posting under the lock: the admin thread's loop can't end before who listens there has.
  const std::lock_guard lock(mutex_);
  if (!news_ || rung_) return;
  rung_ = true;
  // The loop runs this after whatever the connection is doing now: so a ring between its look and its wait
  // wakes it all the same.
  asio::post(admin_, [bell = weak_from_this()] {
    const auto live = bell.lock();
    if (!live) return;
    const std::lock_guard inner(live->mutex_);
    if (live->news_) live->news_->cancel();
  });
}

void StreamBell::hush() {
  const std::lock_guard lock(mutex_);
  rung_ = false;
}

StreamBell::Hung::Hung(const asio::any_io_executor& admin, asio::steady_timer& news)
    : bell_(std::make_shared<StreamBell>()) {
  bell_->admin_ = admin;
  bell_->news_ = &news;
}

StreamBell::Hung::~Hung() {
  const std::lock_guard lock(bell_->mutex_);
  bell_->news_ = nullptr;
}

std::string as_chunk(const std::string& text) {
  std::array<char, 24> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return size.data() + text + "\r\n";
}

}  // namespace sipward::admin

#include "udp/poller.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace sipward {
namespace {

int make_epoll() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

}  // namespace

Poller::Poller(boost::asio::io_context& io, Batches& batches)
    : fd_(make_epoll()), descriptor_(io, fd_), timer_(io), batches_(batches) {
  resting_.reserve(kEvents);
  wait();
}

Poller::~Poller() = default;

bool Poller::watch(Pollable& what, int operation, bool readable) {
  epoll_event event{};
  if (readable) event.events = EPOLLIN;
  event.data.ptr = &what;
  return epoll_ctl(fd_, operation, what.polled_, &event) == 0;
}

bool Poller::add(int fd, Pollable& what) {
  what.polled_ = fd;
  return watch(what, EPOLL_CTL_ADD, true);
}

void Poller::remove(int fd, Pollable& what) {
  epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = 0; i < due_count_; ++i)
    if (due_[i] == &what) due_[i] = nullptr;
  std::replace(resting_.begin(), resting_.end(), &what, static_cast<Pollable*>(nullptr));
}

void Poller::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           serve();
                           wait();
                         });
}

// One round and no look for more: whoever became readable meanwhile, or was not read to its end, makes the
// next wait return at once, after timers and streams had their turn.
void Poller::serve() {
  std::array<epoll_event, kEvents> events;
  std::array<Pollable*, kEvents> due;
  const int count = epoll_wait(fd_, events.data(), kEvents, 0);
  if (count <= 0) return;
  for (int i = 0; i < count; ++i)
    due[static_cast<std::size_t>(i)] = static_cast<Pollable*>(events[static_cast<std::size_t>(i)].data.ptr);
  due_ = due.data();
  due_count_ = count;
  batches_.batch_begins();
  for (int i = 0; i < count; ++i)
    if (due_[i] && !due_[i]->readable() && due_[i]) begin_rest(*due_[i]);
  due_ = nullptr;
  due_count_ = 0;
  batches_.batch_ends();
}

void Poller::begin_rest(Pollable& what) {
  if (!watch(what, EPOLL_CTL_MOD, false)) return;
  resting_.push_back(&what);
  wait_for_rest();
}

void Poller::wait_for_rest() {
  if (timed_) return;
  timed_ = true;
  timer_.expires_after(kRest);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    timed_ = false;
    serve_rested();
  });
}

// Who was worth it this time is watched again; the others go on resting.
void Poller::serve_rested() {
  batches_.batch_begins();
  for (std::size_t i = 0; i < resting_.size(); ++i) {  // none is added meanwhile
    if (!resting_[i] || !resting_[i]->readable() || !resting_[i]) continue;
    watch(*resting_[i], EPOLL_CTL_MOD, true);
    resting_[i] = nullptr;
  }
  std::erase(resting_, nullptr);
  batches_.batch_ends();
  if (!resting_.empty()) wait_for_rest();
}

}  // namespace sipward

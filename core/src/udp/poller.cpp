#include "udp/poller.hpp"

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
    : fd_(make_epoll()), descriptor_(io, fd_), batches_(batches) {
  wait();
}

Poller::~Poller() = default;

bool Poller::add(int fd, Pollable& what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &what;
  return epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd, Pollable& what) {
  epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = 0; i < due_count_; ++i)
    if (due_[i] == &what) due_[i] = nullptr;
}

void Poller::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           serve();
                           wait();
                         });
}

// How many events there are, after waiting for the first that long; 0 when none came.
int Poller::next(epoll_event* events, Steady::duration patience) const {
  using namespace std::chrono;
  const auto left = std::max(patience, Steady::duration::zero());
  const timespec limit{0, static_cast<long>(duration_cast<nanoseconds>(left).count())};
  const int count = epoll_pwait2(fd_, events, kEvents, &limit, nullptr);
  if (count >= 0 || errno != ENOSYS) return std::max(count, 0);
  return std::max(epoll_wait(fd_, events, kEvents, left > Steady::duration::zero() ? 1 : 0),
                  0);  // Linux before 5.11
}

void Poller::serve() {
  std::array<epoll_event, kEvents> events;
  std::array<Pollable*, kEvents> due;
  const auto begun = Steady::now();
  const auto end = begun + kSlice;
  // A lone datagram is served and that is it; whoever comes back soon is worth waiting for.
  const bool dense = begun - served_ < kSlice;
  auto now = begun;
  for (auto patience = Steady::duration::zero();; patience = dense ? end - now : Steady::duration::zero()) {
    const int count = next(events.data(), patience);
    if (count <= 0) break;
    for (int i = 0; i < count; ++i)
      due[static_cast<std::size_t>(i)] = static_cast<Pollable*>(events[static_cast<std::size_t>(i)].data.ptr);
    due_ = due.data();
    due_count_ = count;
    batches_.batch_begins();
    for (int i = 0; i < count; ++i)
      if (due_[i]) due_[i]->readable();
    due_ = nullptr;
    due_count_ = 0;
    batches_.batch_ends();
    now = Steady::now();
    if (now >= end || (!dense && count < kEvents)) break;
  }
  served_ = Steady::now();
}

}  // namespace sipward

#include "udp/poller.hpp"

#include <sys/epoll.h>

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
    if (due_[i]) due_[i]->readable();
  due_ = nullptr;
  due_count_ = 0;
  batches_.batch_ends();
}

}  // namespace sipward

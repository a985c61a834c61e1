#include "uas.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "sip_text.hpp"

namespace sipward::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr int kWaitMs = 50;  // how late the thread notices that it shall stop

struct Lane {
  std::array<std::array<char, kLargestMessage>, kBatch> buffers;
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages;
};

struct Lanes {
  Lane in;
  Lane out;
  std::array<sockaddr_in, kBatch> peers;
};

bool wait_for(int fd, short what) {
  pollfd waited{.fd = fd, .events = what, .revents = 0};
  return ::poll(&waited, 1, kWaitMs) > 0;
}

void point(Lane& lane, std::size_t slot, std::size_t size, sockaddr_in& peer) {
  lane.parts[slot] = {lane.buffers[slot].data(), size};
  lane.messages[slot] = {};
  lane.messages[slot].msg_hdr.msg_iov = &lane.parts[slot];
  lane.messages[slot].msg_hdr.msg_iovlen = 1;
  lane.messages[slot].msg_hdr.msg_name = &peer;
  lane.messages[slot].msg_hdr.msg_namelen = sizeof peer;
}

void send_all(int fd, Lane& lane, std::size_t count, const std::stop_token& stop) {
  for (std::size_t next = 0; next < count && !stop.stop_requested();) {
    const int sent = ::sendmmsg(fd, &lane.messages[next], static_cast<unsigned>(count - next), MSG_DONTWAIT);
    if (sent > 0) {
      next += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      wait_for(fd, POLLOUT);
    } else {
      ++next;
    }
  }
}

}  // namespace

Uas::Uas(const sockaddr_in& address, Answers answers)
    : socket_(bound_udp(address)), contact_(to_text(local_endpoint(socket_))), answers_(answers) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Uas::run(const std::stop_token& stop) {
  const auto lanes = std::make_unique<Lanes>();
  while (!stop.stop_requested()) {
    if (!wait_for(socket_.get(), POLLIN)) continue;
    for (std::size_t i = 0; i < kBatch; ++i) point(lanes->in, i, kLargestMessage, lanes->peers[i]);
    const int received = ::recvmmsg(socket_.get(), lanes->in.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    std::size_t answered = 0;
    for (std::size_t i = 0; received > 0 && i < static_cast<std::size_t>(received); ++i) {
      const std::string_view request(lanes->in.buffers[i].data(), lanes->in.messages[i].msg_len);
      const std::size_t size = write_answer(request, contact_, lanes->out.buffers[answered]);
      if (size == 0) continue;
      requests_.fetch_add(1, std::memory_order_relaxed);
      point(lanes->out, answered++, size, lanes->peers[i]);
    }
    if (answers_ == Answers::ok) send_all(socket_.get(), lanes->out, answered, stop);
  }
}

}  // namespace sipward::bench

#include "phones.hpp"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>

namespace sipward::bench {
namespace {

constexpr std::size_t kEvents = 64;
constexpr int kWaitMs = 50;  // how late the receiver notices that it shall stop
constexpr std::chrono::microseconds kPause{50};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// 127.1.0.1 to 127.1.0.250, 127.1.1.1 and so on.
sockaddr_in phone_address(std::size_t phone, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr =
      htonl(0x7f010000U + static_cast<std::uint32_t>(phone / 250 * 256 + phone % 250 + 1));
  return address;
}

void count(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

Phones::Phones(const sockaddr_in& server, const Sources& sources, std::size_t requests)
    : server_(to_text(server)), epoll_(make_epoll()), times_(requests) {
  std::random_device random;
  run_ = std::uint64_t{random()} << 32U | random();
  for (std::size_t i = 0; i < sources.count; ++i) {
    Fd socket = bound_udp(phone_address(i, sources.port));
    connect_udp(socket, server);
    if (!watch(epoll_, socket.get(), static_cast<std::uint32_t>(i))) fail("epoll_ctl");
    phones_.push_back({.contact = to_text(local_endpoint(socket)), .user = std::to_string(3000 + i)});
    sockets_.push_back(std::move(socket));
  }
  receiver_ = std::jthread([this](const std::stop_token& stop) { receive(stop); });
}

std::chrono::duration<double> Phones::send(double rate, std::chrono::duration<double> time,
                                           const std::vector<Method>& mix) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t sequence = 0; sequence < times_.size();) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (elapsed >= time) break;
    if (rate > 0 && static_cast<double>(sequence) >= elapsed.count() * rate) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    times_[sequence].store(now_ns(), std::memory_order_release);
    const bool sent =
        transmit(sequence % phones_.size(), mix[sequence % mix.size()], static_cast<std::uint32_t>(sequence));
    if (!sent) times_[sequence].store(0, std::memory_order_release);
    ++sequence;
  }
  return std::chrono::steady_clock::now() - start;
}

bool Phones::transmit(std::size_t phone, Method method, std::uint32_t sequence) {
  std::array<char, kLargestMessage> text;
  const std::size_t size =
      write_request(method, {.run = run_, .sequence = sequence}, phones_[phone], server_, text);
  const bool sent =
      ::send(sockets_[phone].get(), text.data(), size, MSG_DONTWAIT) == static_cast<ssize_t>(size);
  if (!sent) {
    count(send_errors_);
  } else if (method != Method::ack) {
    count(sent_);
  }
  return sent;
}

void Phones::receive(const std::stop_token& stop) {
  std::array<epoll_event, kEvents> events;
  std::array<char, kLargestMessage> text;
  while (!stop.stop_requested()) {
    const int ready = ::epoll_wait(epoll_.get(), events.data(), kEvents, kWaitMs);
    for (int i = 0; i < ready; ++i) {
      const std::size_t phone = events[static_cast<std::size_t>(i)].data.u32;
      const ssize_t size = ::recv(sockets_[phone].get(), text.data(), text.size(), MSG_DONTWAIT);
      if (size < 0) continue;
      if (const auto reply = read_reply({text.data(), static_cast<std::size_t>(size)})) {
        take(phone, *reply);
      } else {
        count(other_replies_);
      }
    }
  }
}

void Phones::take(std::size_t phone, const Reply& reply) {
  if (reply.status != 200 || reply.id.run != run_ || reply.id.sequence >= times_.size()) {
    count(other_replies_);
    return;
  }
  if (reply.method == Method::bye) {
    count(replies_);
    return;
  }
  // Only this thread ever replaces a positive value that belongs to a request on its way.
  std::atomic<std::int64_t>& slot = times_[reply.id.sequence];
  const std::int64_t sent = slot.load(std::memory_order_acquire);
  if (sent <= 0) {
    count(duplicates_);
    return;
  }
  slot.store(-std::max<std::int64_t>(now_ns() - sent, 1), std::memory_order_release);
  count(replies_);
  if (reply.method == Method::invite) {
    transmit(phone, Method::ack, reply.id.sequence);
    transmit(phone, Method::bye, reply.id.sequence);
  }
}

PhoneCounts Phones::counts() const {
  return {.sent = sent_,
          .send_errors = send_errors_,
          .replies = replies_,
          .duplicates = duplicates_,
          .other_replies = other_replies_};
}

std::vector<std::chrono::nanoseconds> Phones::round_trips() const {
  std::vector<std::chrono::nanoseconds> trips;
  for (const auto& slot : times_) {
    if (const std::int64_t time = slot.load(std::memory_order_acquire); time < 0) trips.emplace_back(-time);
  }
  std::ranges::sort(trips);
  return trips;
}

}  // namespace sipward::bench

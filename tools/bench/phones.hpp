// Many phones on loopback addresses of their own: they send at a fixed pace and time the replies.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "net.hpp"
#include "sip_text.hpp"

namespace sipward::bench {

struct PhoneCounts {
  std::uint64_t sent = 0;           // requests that a reply is due to (no ACK)
  std::uint64_t send_errors = 0;    // refused by the system, not counted as sent
  std::uint64_t replies = 0;        // first 200 to each
  std::uint64_t duplicates = 0;     // further 200s to the same request
  std::uint64_t other_replies = 0;  // another status, or no reply of this run
};

struct Sources {
  std::size_t count;
  std::uint16_t port;  // of every phone; 0: any
};

// Phones have the addresses 127.1.0.1 and up. The receiving thread ends with the object.
class Phones final {
 public:
  // `requests` bounds what is ever sent: eight octets of memory each.
  Phones(const sockaddr_in& server, const Sources& sources, std::size_t requests);

  // Sends for `time` or until the bound is reached, `rate` a second (0: without a pause), the methods of
  // `mix` in turn; returns the time it took. An INVITE's 200 is followed by ACK and BYE.
  std::chrono::duration<double> send(double rate, std::chrono::duration<double> time,
                                     const std::vector<Method>& mix);

  // Safe to call from any thread.
  [[nodiscard]] PhoneCounts counts() const;

  // Round trips so far of all but BYE, ascending.
  [[nodiscard]] std::vector<std::chrono::nanoseconds> round_trips() const;

 private:
  void receive(const std::stop_token& stop);
  void take(std::size_t phone, const Reply& reply);
  bool transmit(std::size_t phone, Method method, std::uint32_t sequence);

  std::string server_;
  std::uint64_t run_;
  std::vector<Phone> phones_;
  std::vector<Fd> sockets_;
  Fd epoll_;
  // By sequence: 0 nothing sent, positive the time of sending, negative the round trip; nanoseconds.
  std::vector<std::atomic<std::int64_t>> times_;
  std::atomic<std::uint64_t> sent_ = 0;
  std::atomic<std::uint64_t> send_errors_ = 0;
  std::atomic<std::uint64_t> replies_ = 0;
  std::atomic<std::uint64_t> duplicates_ = 0;
  std::atomic<std::uint64_t> other_replies_ = 0;
  std::jthread receiver_;
};

}  // namespace sipward::bench

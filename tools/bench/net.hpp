// IPv4 UDP sockets for the benchmark programs. Failures throw std::system_error naming what failed.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sipward::bench {

class Fd final {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "127.0.0.1:5060"; throws UsageError for anything else.
[[nodiscard]] sockaddr_in parse_endpoint(const std::string& text);
[[nodiscard]] std::string to_text(const sockaddr_in& endpoint);

// A non-blocking socket on `address` (port 0: any) with a receive buffer of 8 MiB where allowed.
[[nodiscard]] Fd bound_udp(const sockaddr_in& address);
[[nodiscard]] sockaddr_in local_endpoint(const Fd& socket);
void connect_udp(const Fd& socket, const sockaddr_in& peer);

// An epoll instance, and a level-triggered read interest carrying `key`.
[[nodiscard]] Fd make_epoll();
[[nodiscard]] bool watch(const Fd& epoll, int fd, std::uint32_t key);

// Becomes readable when the process is told to end by SIGINT or SIGTERM, which no longer end it themselves.
[[nodiscard]] Fd stop_signals();

// Lifts the limit of open files to what the system allows and returns it.
std::size_t raise_open_files();

[[noreturn]] void fail(const std::string& what);  // std::system_error from errno

}  // namespace sipward::bench

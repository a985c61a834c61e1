#include "net.hpp"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <system_error>

#include "flags.hpp"

namespace sipward::bench {
namespace {

constexpr int kReceiveBuffer = 8 << 20;

const sockaddr* generic(const sockaddr_in& endpoint) {
  return reinterpret_cast<const sockaddr*>(&endpoint);
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in parse_endpoint(const std::string& text) {
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const char* const digits = colon == std::string::npos ? end : text.data() + colon + 1;
  const auto [rest, error] = std::from_chars(digits, end, port);
  if (error != std::errc{} || rest != end ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &endpoint.sin_addr) != 1) {
    throw UsageError("\"" + text + "\" is not an address; expected one like 127.0.0.1:5060");
  }
  endpoint.sin_port = htons(port);
  return endpoint;
}

std::string to_text(const sockaddr_in& endpoint) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &endpoint.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(endpoint.sin_port));
}

Fd bound_udp(const sockaddr_in& address) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) fail("cannot open a UDP socket");
  // Without the privilege the system's own limit holds, which is enough for lower rates.
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  if (::bind(socket.get(), generic(address), sizeof address) != 0) fail("cannot bind " + to_text(address));
  return socket;
}

sockaddr_in local_endpoint(const Fd& socket) {
  sockaddr_in endpoint{};
  socklen_t size = sizeof endpoint;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&endpoint), &size) != 0) fail("getsockname");
  return endpoint;
}

void connect_udp(const Fd& socket, const sockaddr_in& peer) {
  if (::connect(socket.get(), generic(peer), sizeof peer) != 0) fail("cannot connect to " + to_text(peer));
}

Fd make_epoll() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) fail("epoll_create1");
  return epoll;
}

bool watch(const Fd& epoll, int fd, std::uint32_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = key;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

Fd stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd signals(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals) fail("signalfd");
  return signals;
}

std::size_t raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
  return limit.rlim_cur;
}

}  // namespace sipward::bench

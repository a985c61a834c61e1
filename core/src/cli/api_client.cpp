#include "cli/api_client.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "udp/sockets.hpp"

namespace sipward::cli {
namespace {

constexpr timeval kPatience{90, 0};

// "[::1]:2019" → "::1" and "2019"; ":2019" means this machine.
bool split(const std::string& address, std::string& host, std::string& port) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) return false;
  host = address.substr(0, colon);
  port = address.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "127.0.0.1";
  return true;
}

FileDescriptor connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
    errno = EADDRNOTAVAIL;
    return FileDescriptor();
  }
  FileDescriptor fd;
  for (const auto* at = found; at && !fd; at = at->ai_next) {
    fd = FileDescriptor(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), at->ai_addr, at->ai_addrlen) != 0) fd = FileDescriptor();
  }
  freeaddrinfo(found);
  return fd;
}

bool send_all(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const auto n = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string read_to_end(int fd) {
  std::string all;
  std::array<char, 16'384> buffer;
  for (;;) {
    const auto n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

std::optional<ApiAnswer> ask_api(const std::string& address, const ApiRequest& request,
                                 std::string& problem) {
  std::string host, port;
  if (!split(address, host, port)) {
    problem = "'" + address + "' is no address such as 127.0.0.1:2019";
    return std::nullopt;
  }
  const auto fd = connect_to(host, port);
  if (!fd) {
    problem = "nothing answers on " + address + " (" + std::strerror(errno) +
              "); is sipward running, and is that its `admin`?";
    return std::nullopt;
  }
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const auto authority = (host.find(':') == std::string::npos ? host : '[' + host + ']') + ':' + port;
  auto octets = request.method + ' ' + request.path + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  for (const auto& [name, value] : request.headers) octets.append(name).append(": ").append(value) += "\r\n";
  octets += "Connection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
  send_all(fd.get(), octets + request.body);  // a refusal may come before all was read
  const auto text = read_to_end(fd.get());
  const auto head = text.find("\r\n\r\n");
  ApiAnswer answer;
  constexpr std::size_t kStatusAt = 9;  // behind "HTTP/1.1 "
  if (head == std::string::npos || !text.starts_with("HTTP/1.") ||
      std::from_chars(text.data() + kStatusAt, text.data() + std::min(text.size(), kStatusAt + 3),
                      answer.status)
              .ec != std::errc()) {
    problem = address + " does not answer as sipward's management API does";
    return std::nullopt;
  }
  answer.body = text.substr(head + 4);
  return answer;
}

}  // namespace sipward::cli

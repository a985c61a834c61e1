#include "runtime/notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sipward {
namespace {

FileDescriptor connect_to(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Other forms, such as vsock:, are for machines in machines.
  if (name.size() < 2 || name.size() > sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
    return FileDescriptor();
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto path_end = name[0] == '@' ? 0U : 1U;  // a path ends with a NUL, an abstract name with its length
  if (name.size() + path_end > sizeof address.sun_path) return FileDescriptor();
  FileDescriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + path_end);
  if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return FileDescriptor();
  return fd;
}

std::optional<std::uint64_t> number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto value = config::parse_number(*text);
  if (!value || *value <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::string one_line(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  return line.substr(0, 200);
}

}  // namespace

Notifier::Notifier(const config::Environment& environment) {
  const auto variable = [&](const char* name) {
    return environment.variable ? environment.variable(name) : std::nullopt;
  };
  if (const auto name = variable("NOTIFY_SOCKET")) socket_ = connect_to(*name);
  const auto time = number(variable("WATCHDOG_USEC"));
  const auto whom = variable("WATCHDOG_PID");
  if (socket_ && time && (!whom || number(whom) == static_cast<std::uint64_t>(getpid())))
    watchdog_ = std::chrono::microseconds(*time);
}

void Notifier::ready(std::string_view status) {
  send("READY=1\nSTATUS=" + one_line(status) + "\nMAINPID=" + std::to_string(getpid()) + "\n");
}

void Notifier::reloading(Time now) {
  // steady_clock is CLOCK_MONOTONIC, which is what the manager compares with.
  const auto since_boot = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since_boot.count()) + "\n");
}

void Notifier::stopping() {
  send("STOPPING=1\n");
}

void Notifier::alive() {
  send("WATCHDOG=1\n");
}

void Notifier::send(const std::string& text) {
  // A manager that does not read must not hold us up; what it misses is its own affair.
  if (socket_) ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace sipward

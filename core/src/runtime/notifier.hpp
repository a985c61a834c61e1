#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "sipward/clock.hpp"
#include "sipward/config.hpp"
#include "udp/sockets.hpp"

namespace sipward {

// Tells the service manager how the process fares, in the protocol of sd_notify(3): datagrams to the socket
// that NOTIFY_SOCKET names, by its path or, when it begins with '@', by its abstract name. Without that
// variable, or when nobody reads, nothing happens. Any thread.
class Notifier {
 public:
  // `variable` is asked for NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  explicit Notifier(const config::Environment& environment);

  bool wanted() const { return static_cast<bool>(socket_); }
  void ready(std::string_view status);
  void reloading(Time now);  // ready() ends it, also when the reload was refused
  void stopping();
  void alive();
  // How often alive() is expected at the latest; nullopt when nobody watches this process.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

 private:
  void send(const std::string& text);

  FileDescriptor socket_;  // connected
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace sipward

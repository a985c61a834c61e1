#pragma once

#include <functional>
#include <utility>

#include "sipward/worker.hpp"

namespace sipward {

// What a connected UdpPort can do besides: tell of ICMP errors that its datagrams met (refused, unreachable).
// The kernel reports them only for what this very socket sent; several that come close together are one.
class UdpErrors {
 public:
  virtual ~UdpErrors() = default;
  // Calls `failed` on the worker from now on; it may destroy other ports, not this one.
  virtual void on_error(std::function<void()> failed) = 0;
};

// A port that can't tell, such as a test's, just never calls.
inline void watch_errors(UdpPort& port, std::function<void()> failed) {
  if (auto* errors = dynamic_cast<UdpErrors*>(&port)) errors->on_error(std::move(failed));
}

}  // namespace sipward

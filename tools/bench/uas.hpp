// The PBX behind the server under test: it answers every request with 200, or counts in silence.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "net.hpp"

namespace sipward::bench {

enum class Answers { ok, none };

// Owns its socket and its thread, which ends with the object.
class Uas final {
 public:
  Uas(const sockaddr_in& address, Answers answers);

  // Requests that arrived, ACK excepted. Safe to call from any thread.
  [[nodiscard]] std::uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }

 private:
  void run(const std::stop_token& stop);

  Fd socket_;
  std::string contact_;
  Answers answers_;
  std::atomic<std::uint64_t> requests_ = 0;
  std::jthread thread_;
};

}  // namespace sipward::bench

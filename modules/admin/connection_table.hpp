#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "limits.hpp"
#include "sipward/clock.hpp"
#include "sipward/net.hpp"

namespace sipward::admin {

// What others may know of an open connection, and how they end it.
struct ConnectionSlot {
  enum class Stage : std::uint8_t { waiting, reading, answering };
  Endpoint client;
  std::string listen;  // which address of the Sipfile it came in by
  Stage stage = Stage::waiting;
  Time since{};                      // of the stage
  bool closing = false;              // counts no more; its coroutine is about to end
  std::function<void()> close;       // cancels whatever the connection waits for
  std::function<void()> end_stream;  // while it sends a stream: ends that in good order
};

// The open connections, bounded. Admin thread only.
class ConnectionTable {
 public:
  explicit ConnectionTable(const HttpLimits& limits) : limits_(limits) {}

  // A slot for a new connection. At a limit the connection that waits longest for its client is closed for
  // it, one between requests before one in the middle of a request; nullptr when all are being answered.
  std::shared_ptr<ConnectionSlot> admit(const Endpoint& client, const std::string& listen, Time now);
  void release(const std::shared_ptr<ConnectionSlot>& slot);
  // Closes those that wait for a request and fit.
  void close_waiting(const std::function<bool(const ConnectionSlot&)>& fits);
  // Ends every stream that is being sent.
  void end_streams();
  void close_all();
  std::size_t size() const { return slots_.size(); }  // closing ones too

 private:
  std::size_t count(const Address* client) const;
  bool make_room(const Address* client);

  HttpLimits limits_;
  std::vector<std::shared_ptr<ConnectionSlot>> slots_;
};

}  // namespace sipward::admin

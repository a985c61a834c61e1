#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "connection_table.hpp"
#include "limits.hpp"
#include "sipward/clock.hpp"
#include "sipward/http.hpp"

namespace sipward::admin {

// What a connection needs of its server. Outlives every connection; admin thread only.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const HttpLimits& limits() const = 0;
  virtual const Clock& clock() const = 0;
  virtual std::size_t max_body(const ConnectionSlot& slot) const = 0;
  // Never throws for what a handler did.
  virtual HttpResponse answer(const ConnectionSlot& slot, HttpRequest& request) = 0;
  // False when the connection ends after the present response: stopping, or its address is no longer listed.
  virtual bool may_stay(const ConnectionSlot& slot) const = 0;
  virtual void ended(const std::shared_ptr<ConnectionSlot>& slot) = 0;
};

// Serves one connection until it ends, requests one after the other (RFC 9112 9.3.2). Calls host.ended()
// last.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, std::shared_ptr<ConnectionSlot> slot,
                                   ConnectionHost& host);

}  // namespace sipward::admin

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <set>
#include <string>
#include <vector>

#include "sipward/net.hpp"

namespace sipward::admin {

// One address of the Sipfile with the sockets that are open for it: one for ":2020" (both families) and for a
// literal, one per address that a name stands for. Built on the control thread; accepting belongs to the
// admin thread from then on.
class Listener {
 public:
  // Opens and listens. Throws ConfigError with the address and the reason. A port in `own` is held by this
  // server already: what is opened here takes it over for its address, so that :2020 can become
  // 127.0.0.1:2020 while requests come.
  Listener(boost::asio::io_context& io, std::string listen, const std::set<Port>& own = {});
  const std::string& listen() const { return listen_; }
  const std::vector<Endpoint>& bound() const { return bound_; }
  std::vector<boost::asio::ip::tcp::acceptor>& acceptors() { return acceptors_; }
  bool closed() const { return closed_; }
  void close();

 private:
  std::string listen_;
  std::vector<Endpoint> bound_;
  std::vector<boost::asio::ip::tcp::acceptor> acceptors_;
  bool closed_ = false;
};

Endpoint endpoint_of(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace sipward::admin

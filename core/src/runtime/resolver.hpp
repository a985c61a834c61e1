#pragma once

#include <boost/asio/io_context.hpp>

#include "sipward/build_context.hpp"
#include "sipward/log.hpp"

namespace sipward {

// Asks the system's resolver in the background and again every half minute: getaddrinfo tells no TTL.
// Callbacks run on the thread of `io`.
class SystemResolver final : public Resolver {
 public:
  SystemResolver(boost::asio::io_context& io, Logger& log) : io_(io), log_(log) {}
  std::shared_ptr<void> watch(std::string host, Port port,
                              std::function<void(std::vector<Endpoint>)> changed) override;

 private:
  class Watch;
  boost::asio::io_context& io_;
  Logger& log_;
};

}  // namespace sipward

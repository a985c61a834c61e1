#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "doubles.hpp"
#include "site_server.hpp"

namespace sipward::admin::test {

// A real server on a free port of 127.0.0.1, with sites made of functions.
class RunningServer {
 public:
  explicit RunningServer(const HttpLimits& limits = {});
  ~RunningServer();

  // One site at `listen`.
  static std::vector<HttpSite> site(const std::string& listen, Call::Function function);
  // prepare() and publish().
  void serve(std::vector<HttpSite> sites);
  Port port() const;  // of the first address
  SiteServer& server() { return server_; }
  std::string logged() const { return log_.text(); }

 private:
  KeepingLogger log_;
  SystemClock clock_;
  SiteServer server_;
};

// Echoes "METHOD PATH?QUERY BODY".
HttpHandler::Outcome echo(HttpRequest& request, HttpResponse& response);

// A plain TCP client that sends what it is told, octet for octet. Every wait ends after ten seconds.
// Asserts nothing, so any thread may have one; what cannot connect has ended.
class RawClient {
 public:
  explicit RawClient(Port port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view octets);  // false when the server has closed
  // Reads until the text holds `until`; what was read so far, and `ended` when the server closed.
  std::string read_until(std::string_view until);
  std::string read_to_end();
  bool ends_within(std::chrono::milliseconds time);
  bool ended() const { return ended_; }

 private:
  bool fill(std::chrono::milliseconds patience);

  int fd_ = -1;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace sipward::admin::test

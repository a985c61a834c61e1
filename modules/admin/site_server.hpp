#pragma once

#include <memory>
#include <vector>

#include "limits.hpp"
#include "sipward/clock.hpp"
#include "sipward/http.hpp"
#include "sipward/log.hpp"

namespace sipward::admin {

// Service "http_server/1": serves the HTTP sites on one thread of its own, event-driven, so that a client
// that drips octets delays nobody. All calls on the control thread; prepare() and publish() before or after
// start().
class SiteServer final : public HttpServer {
 public:
  SiteServer(Logger& log, const Clock& clock, const HttpLimits& limits = {});
  ~SiteServer() override;
  SiteServer(const SiteServer&) = delete;
  SiteServer& operator=(const SiteServer&) = delete;

  // What prepare() opened and no publish() took is closed by the next prepare() or the end.
  void prepare(const std::vector<HttpSite>& sites) override;
  void publish(std::shared_ptr<const std::vector<HttpSite>> sites) override;
  void start() override;
  // Accepts nothing more, lets requests that are being read or answered end until the deadline.
  void stop(Time deadline) override;

  // Where the published sites are really reached, also when their port was 0.
  std::vector<Endpoint> addresses() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sipward::admin

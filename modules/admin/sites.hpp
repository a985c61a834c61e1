#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "handler_chain.hpp"
#include "sipward/clock.hpp"
#include "sipward/http.hpp"
#include "sipward/log.hpp"

namespace sipward::admin {

// The sites of one configuration by the address they are reached at. Admin thread.
class Sites {
 public:
  explicit Sites(std::shared_ptr<const std::vector<HttpSite>> sites);
  bool has(const std::string& listen) const { return served_.count(listen) != 0; }
  // Octets that a request's body may have; for an address that is no longer listed the least.
  std::size_t max_body(const std::string& listen) const;
  // Runs the handlers of that address's site. What nothing answers is 404, what throws is 500 and logged.
  HttpResponse answer(const std::string& listen, HttpRequest& request, Logger& log, LogLimit& log_limit,
                      Time now) const;

 private:
  struct Served {
    std::shared_ptr<const HandlerChain> chain;
    std::size_t max_body;
  };
  std::shared_ptr<const std::vector<HttpSite>> sites_;
  std::map<std::string, Served> served_;
};

}  // namespace sipward::admin

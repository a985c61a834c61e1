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
  bool has(const std::string& listen) const { return chains_.count(listen) != 0; }
  // Runs the handlers of that address's site. What nothing answers is 404, what throws is 500 and logged.
  HttpResponse answer(const std::string& listen, HttpRequest& request, Logger& log, LogLimit& log_limit,
                      Time now) const;

 private:
  std::shared_ptr<const std::vector<HttpSite>> sites_;
  std::map<std::string, std::shared_ptr<const HandlerChain>> chains_;
};

}  // namespace sipward::admin

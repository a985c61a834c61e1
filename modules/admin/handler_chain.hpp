#pragma once

#include <memory>
#include <vector>

#include "sipward/http.hpp"

namespace sipward::admin {

class HandleBlock;

// The handlers of a site or of a `handle`, in the order in which they run, which is Caddy's and not that of
// the file: allow_unauthenticated, then credentials, then the one `handle` that fits best, then the rest as
// written. So a basic_auth below a handle guards it all the same. Borrows the handlers. Admin thread.
class HandlerChain {
 public:
  HandlerChain() = default;
  explicit HandlerChain(const std::vector<std::unique_ptr<HttpHandler>>& handlers);
  HttpHandler::Outcome run(HttpRequest& request, HttpResponse& response) const;

 private:
  HttpHandler::Outcome check_credentials(HttpRequest& request, HttpResponse& response) const;
  HttpHandler::Outcome run_best_block(HttpRequest& request, HttpResponse& response) const;

  std::vector<const HttpHandler*> openers_;
  std::vector<const HttpHandler*> credentials_;  // one of them has to be satisfied
  std::vector<const HandleBlock*> blocks_;
  std::vector<const HttpHandler*> rest_;
};

}  // namespace sipward::admin

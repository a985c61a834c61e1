#include "sites.hpp"

#include <exception>
#include <utility>

namespace sipward::admin {

Sites::Sites(std::shared_ptr<const std::vector<HttpSite>> sites) : sites_(std::move(sites)) {
  if (!sites_) return;
  for (const auto& site : *sites_) {
    const auto chain = std::make_shared<const HandlerChain>(site.handlers);
    for (const auto& listen : site.listen) served_.emplace(listen, Served{chain, site.max_body});
  }
}

std::size_t Sites::max_body(const std::string& listen) const {
  const auto at = served_.find(listen);
  return at == served_.end() ? HttpSite().max_body : at->second.max_body;
}

HttpResponse Sites::answer(const std::string& listen, HttpRequest& request, Logger& log, LogLimit& log_limit,
                           Time now) const {
  const auto at = served_.find(listen);
  if (at == served_.end()) return HttpResponse::error(404, "nothing is served here any more");
  HttpResponse response;
  std::string what = "not an exception";
  const std::string path = request.path;  // handlers may shorten it
  try {
    if (at->second.chain->run(request, response) == HttpHandler::Outcome::next) {
      return HttpResponse::error(404, "no such path");
    }
    return response;
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {  // the text above says all that is known
  }
  if (std::uint64_t suppressed = 0; log_limit.allow(now, suppressed)) {
    log.error("admin", "a handler failed",
              {{"path", path}, {"error", what}, {"suppressed", std::to_string(suppressed)}});
  }
  return HttpResponse::error(500, "the server made a mistake; its log says more");
}

}  // namespace sipward::admin

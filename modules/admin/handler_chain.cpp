#include "handler_chain.hpp"

#include <utility>

#include "auth.hpp"
#include "handle.hpp"

namespace sipward::admin {

using Outcome = HttpHandler::Outcome;

HandlerChain::HandlerChain(const std::vector<std::unique_ptr<HttpHandler>>& handlers) {
  for (const auto& handler : handlers) {
    if (dynamic_cast<const AllowUnauthenticated*>(handler.get())) {
      openers_.push_back(handler.get());
    } else if (dynamic_cast<const CredentialsHandler*>(handler.get())) {
      credentials_.push_back(handler.get());
    } else if (const auto* block = dynamic_cast<const HandleBlock*>(handler.get())) {
      blocks_.push_back(block);
    } else {
      rest_.push_back(handler.get());
    }
  }
}

Outcome HandlerChain::check_credentials(HttpRequest& request, HttpResponse& response) const {
  if (credentials_.empty()) return Outcome::next;
  HttpResponse refusal;
  for (const auto* handler : credentials_) {
    HttpResponse answer;
    if (handler->handle(request, answer) == Outcome::next) return Outcome::next;
    for (auto& header : refusal.headers) answer.headers.push_back(std::move(header));
    // 429 says more than another handler's 401.
    if (refusal.status > answer.status) {
      refusal.headers = std::move(answer.headers);
    } else {
      refusal = std::move(answer);
    }
  }
  response = std::move(refusal);
  return Outcome::answered;
}

Outcome HandlerChain::run_best_block(HttpRequest& request, HttpResponse& response) const {
  const HandleBlock* best = nullptr;
  const PathPattern* best_pattern = nullptr;
  for (const auto* block : blocks_) {
    const auto* pattern = block->best(request.path);
    if (!pattern || (best && pattern->rank() <= best_pattern->rank())) continue;
    best = block;
    best_pattern = pattern;
  }
  return best ? best->run(*best_pattern, request, response) : Outcome::next;
}

Outcome HandlerChain::run(HttpRequest& request, HttpResponse& response) const {
  for (const auto* handler : openers_) {
    if (handler->handle(request, response) == Outcome::answered) return Outcome::answered;
  }
  if (check_credentials(request, response) == Outcome::answered) return Outcome::answered;
  if (run_best_block(request, response) == Outcome::answered) return Outcome::answered;
  for (const auto* handler : rest_) {
    if (handler->handle(request, response) == Outcome::answered) return Outcome::answered;
  }
  return Outcome::next;
}

}  // namespace sipward::admin

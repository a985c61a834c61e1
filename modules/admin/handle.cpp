#include "handle.hpp"

#include <utility>

namespace sipward::admin {
namespace {

//   handle [PATH…] {
//       HANDLER…
//   }
std::unique_ptr<HttpHandler> read(HandleBlock::Prefix prefix, const config::Node& node,
                                  CreateContext& context) {
  std::vector<PathPattern> patterns;
  config::Reader r(node, context.errors);
  const auto parse = [&](const config::Arg& arg) {
    auto pattern = PathPattern::parse(arg.text);
    if (!pattern) return false;
    patterns.push_back(std::move(*pattern));
    return true;
  };
  const bool given = r.values("path", "a path such as /api/*", parse, config::Place::argument);
  r.rest([](const config::Node&) {});
  if (prefix == HandleBlock::Prefix::strip) r.require("path");
  r.finish();
  // After a wrong path the block must not take every path instead.
  if (!given) patterns.push_back(*PathPattern::parse("*"));
  return std::make_unique<HandleBlock>(prefix, std::move(patterns), context.http_children(node));
}

}  // namespace

HandleBlock::HandleBlock(Prefix prefix, std::vector<PathPattern> patterns,
                         std::vector<std::unique_ptr<HttpHandler>> children)
    : prefix_(prefix), patterns_(std::move(patterns)), children_(std::move(children)), chain_(children_) {}

std::unique_ptr<HttpHandler> HandleBlock::create(const config::Node& node, CreateContext& context) {
  return read(Prefix::keep, node, context);
}

std::unique_ptr<HttpHandler> HandleBlock::create_stripping(const config::Node& node, CreateContext& context) {
  return read(Prefix::strip, node, context);
}

void HandleBlock::validate(config::Errors& errors) const {
  for (const auto& child : children_) child->validate(errors);
}

void HandleBlock::provision(BuildContext& context) {
  for (const auto& child : children_) child->provision(context);
}

const PathPattern* HandleBlock::best(std::string_view path) const {
  const PathPattern* best = nullptr;
  for (const auto& pattern : patterns_) {
    if (pattern.matches(path) && (!best || pattern.rank() > best->rank())) best = &pattern;
  }
  return best;
}

HttpHandler::Outcome HandleBlock::run(const PathPattern& pattern, HttpRequest& request,
                                      HttpResponse& response) const {
  auto path = request.path;
  const auto mount = request.mount;
  const auto open_to_all = request.open_to_all;
  if (prefix_ == Prefix::strip) {
    request.path.erase(0, pattern.mount());
    if (!request.path.starts_with('/')) request.path.insert(0, 1, '/');
    request.mount = 0;
  } else {
    request.mount = pattern.mount();
  }
  if (chain_.run(request, response) == Outcome::answered) return Outcome::answered;
  request.path = std::move(path);
  request.mount = mount;
  request.open_to_all = open_to_all;
  return Outcome::next;
}

HttpHandler::Outcome HandleBlock::handle(HttpRequest& request, HttpResponse& response) const {
  const auto* pattern = best(request.path);
  return pattern ? run(*pattern, request, response) : Outcome::next;
}

}  // namespace sipward::admin

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "handler_chain.hpp"
#include "path_pattern.hpp"
#include "sipward/http.hpp"
#include "sipward/module.hpp"

namespace sipward::admin {

// handle [PATH…] { … } and handle_path PATH { … }: handlers for the paths that fit; without a path, for all.
// Of the blocks beside each other at most one runs (HandlerChain picks it). When nothing in the block
// answers, the request goes on as it was.
class HandleBlock final : public HttpHandler {
 public:
  enum class Prefix : std::uint8_t { keep, strip };
  HandleBlock(Prefix prefix, std::vector<PathPattern> patterns,
              std::vector<std::unique_ptr<HttpHandler>> children);
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  static std::unique_ptr<HttpHandler> create_stripping(const config::Node& node, CreateContext& context);

  void validate(config::Errors& errors) const override;
  void provision(BuildContext& context) override;
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

  // The most special pattern that fits, or nullptr.
  const PathPattern* best(std::string_view path) const;
  Outcome run(const PathPattern& pattern, HttpRequest& request, HttpResponse& response) const;

 private:
  Prefix prefix_;
  std::vector<PathPattern> patterns_;
  std::vector<std::unique_ptr<HttpHandler>> children_;
  HandlerChain chain_;
};

}  // namespace sipward::admin

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "path_pattern.hpp"
#include "sipward/http.hpp"
#include "sipward/module.hpp"

namespace sipward::admin {

// respond [PATH] [BODY] [STATUS]: a fixed answer, whatever the method.
class Respond final : public HttpHandler {
 public:
  struct Options {
    std::optional<PathPattern> path;  // absent: every path
    std::string body;
    unsigned status = 200;
    bool close = false;
  };
  explicit Respond(Options options);
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

 private:
  Options options_;
  std::string content_type_;
};

}  // namespace sipward::admin

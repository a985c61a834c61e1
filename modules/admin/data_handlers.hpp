#pragma once

#include <memory>
#include <optional>
#include <string>

#include "path_pattern.hpp"
#include "sipward/http.hpp"
#include "sipward/module.hpp"

namespace sipward::admin {

// sip_guardian_admin [NAME]: the endpoints that the guardian of that name contributed, under the path of the
// enclosing handle. Guarded by access_refusal().
class GuardianAdmin final : public HttpHandler {
 public:
  explicit GuardianAdmin(std::string name);
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  void provision(BuildContext& context) override;
  void use(const HttpEndpoints& endpoints) { endpoints_ = &endpoints; }
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

 private:
  std::string name_;
  std::string group_;
  const HttpEndpoints* endpoints_ = nullptr;  // of the same configuration
};

// metrics [PATH]: everything that is counted, for Prometheus. Guarded by access_refusal().
class MetricsPage final : public HttpHandler {
 public:
  explicit MetricsPage(std::optional<PathPattern> path) : path_(std::move(path)) {}
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  void provision(BuildContext& context) override;
  void use(const Metrics& metrics) { metrics_ = &metrics; }
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

 private:
  std::optional<PathPattern> path_;  // absent: every path
  const Metrics* metrics_ = nullptr;
};

}  // namespace sipward::admin

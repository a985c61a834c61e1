#include "data_handlers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "process_metrics.hpp"
#include "prometheus.hpp"

namespace sipward::admin {
namespace {

bool refused(const HttpRequest& request, HttpResponse& response) {
  const auto why = access_refusal(request);
  if (why.empty()) return false;
  response = HttpResponse::error(403, why);
  return true;
}

}  // namespace

GuardianAdmin::GuardianAdmin(std::string name) : name_(std::move(name)), group_("sip_guardian/" + name_) {}

//   sip_guardian_admin [NAME]   [default]
std::unique_ptr<HttpHandler> GuardianAdmin::create(const config::Node& node, CreateContext& context) {
  std::string name = "default";
  config::Reader r(node, context.errors);
  r.text("name", name, config::Place::argument);
  r.finish();
  return std::make_unique<GuardianAdmin>(std::move(name));
}

void GuardianAdmin::provision(BuildContext& context) {
  use(context.endpoints);
}

HttpHandler::Outcome GuardianAdmin::handle(HttpRequest& request, HttpResponse& response) const {
  if (refused(request, response)) return Outcome::answered;
  if (!endpoints_ || !endpoints_->has(group_)) {
    response = HttpResponse::error(404, "there is no sip_guardian named " + name_);
    return Outcome::answered;
  }
  request.path.erase(0, request.mount);
  request.mount = 0;
  if (request.path.empty()) request.path = "/";
  if (request.path.front() == '/') {
    endpoints_->run(group_, request, response);
  } else {
    response = HttpResponse::error(404, "no such path");
  }
  return Outcome::answered;
}

//   metrics [PATH]
std::unique_ptr<HttpHandler> MetricsPage::create(const config::Node& node, CreateContext& context) {
  std::optional<PathPattern> path;
  config::Reader r(node, context.errors);
  r.value(
      "path", "a path such as /metrics",
      [&](const config::Arg& arg) { return (path = PathPattern::parse(arg.text)).has_value(); },
      config::Place::argument);
  r.finish();
  return std::make_unique<MetricsPage>(std::move(path));
}

void MetricsPage::provision(BuildContext& context) {
  use(context.metrics);
}

HttpHandler::Outcome MetricsPage::handle(HttpRequest& request, HttpResponse& response) const {
  if (path_ && !path_->matches(request.path)) return Outcome::next;
  if (refused(request, response)) return Outcome::answered;
  if (request.method != "GET" && request.method != "HEAD") {
    response = HttpResponse::error(405, "metrics are only read");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return Outcome::answered;
  }
  auto families = process_metrics();
  if (metrics_) {
    auto counted = metrics_->collect();
    std::move(counted.begin(), counted.end(), std::back_inserter(families));
  }
  std::stable_sort(families.begin(), families.end(),
                   [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  response.content_type = kPrometheusType;
  response.body = render_prometheus(families);
  return Outcome::answered;
}

}  // namespace sipward::admin

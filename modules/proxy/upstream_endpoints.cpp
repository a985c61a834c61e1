#include "upstream_endpoints.hpp"

#include <boost/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace sipward::proxy {
namespace {

namespace json = boost::json;

// Filled while provisioning, then only read. It must not keep pools alive: a pool's end waits for nobody.
struct Listing {
  const Clock* clock = nullptr;
  std::vector<std::weak_ptr<const Pool>> pools;
};

json::object to_json(const Pool::View& view, const Pool& pool, Time now) {
  json::object one{{"name", view.name},
                   {"address", nullptr},
                   {"weight", view.options->weight},
                   {"max_connections", view.options->max_connections}};
  json::array resolved;
  for (const auto& endpoint : view.resolved) resolved.emplace_back(endpoint.to_string());
  one["resolved"] = std::move(resolved);
  if (!view.member) return one;
  const auto& target = *view.member->target;
  one["address"] = target.endpoint().to_string();
  one["transport"] = to_string(target.transport());
  one["healthy"] = view.member->up() && !pool.failing(target, now);
  one["check"] = view.member->check ? json::value(view.member->check->last_result()) : json::value(nullptr);
  one["fails"] = target.failures(now, pool.options().fail_duration);
  one["active"] = target.active.load();
  one["flows"] = target.flows.load();
  one["requests"] = target.requests();
  one["draining"] = target.draining.load();
  return one;
}

void list(const Listing& listing, HttpResponse& response) {
  json::array upstreams;
  std::set<std::pair<std::string, const Target*>> seen;
  for (const auto& weak : listing.pools) {
    const auto pool = weak.lock();
    if (!pool) continue;
    for (const auto& view : pool->view())
      if (seen.emplace(view.name, view.member ? view.member->target.get() : nullptr).second)
        upstreams.push_back(to_json(view, *pool, listing.clock->now()));
  }
  response.body = json::serialize(json::object{{"upstreams", std::move(upstreams)}});
}

// `which` is an address (192.0.2.1:5060), with its transport when only that one is meant, or a name as it is
// written in the Sipfile.
void drain(const Listing& listing, const std::string& which, bool draining, HttpResponse& response) {
  std::set<std::string> changed;
  for (const auto& weak : listing.pools) {
    const auto pool = weak.lock();
    if (!pool) continue;
    for (const auto& view : pool->view()) {
      if (!view.member) continue;
      auto& target = *view.member->target;
      if (which != view.name && which != target.endpoint().to_string() && which != target.to_string())
        continue;
      target.draining = draining;
      changed.insert(target.to_string());
    }
  }
  if (changed.empty()) {
    response = HttpResponse::error(404, "there is no such upstream");
    return;
  }
  json::array names;
  for (const auto& name : changed) names.emplace_back(name);
  response.body = json::serialize(json::object{{"draining", draining}, {"upstreams", std::move(names)}});
}

}  // namespace

void list_upstreams(const std::shared_ptr<const Pool>& pool, BuildContext& context) {
  auto listing = context.scope.share<Listing>("proxy/upstreams");
  listing->clock = &context.clock;
  listing->pools.push_back(pool);
  using Captures = std::vector<std::string>;
  auto& endpoints = context.endpoints;
  endpoints.add("management",
                {"GET", "/upstreams", [listing](const HttpRequest&, const Captures&, HttpResponse& response) {
                   list(*listing, response);
                 }});
  for (const bool draining : {true, false})
    endpoints.add("management",
                  {"POST", draining ? "/upstreams/{address}/drain" : "/upstreams/{address}/enable",
                   [listing, draining](const HttpRequest&, const Captures& captures, HttpResponse& response) {
                     drain(*listing, captures.at(0), draining, response);
                   }});
}

}  // namespace sipward::proxy

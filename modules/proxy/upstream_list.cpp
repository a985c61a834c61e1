#include "upstream_list.hpp"

#include <boost/json.hpp>
#include <map>
#include <string>

namespace sipward::proxy {
namespace {

namespace json = boost::json;

// Filled while provisioning, then only read.
struct Listing {
  std::map<std::string, std::shared_ptr<const Upstream>> by_name;
};

void list(const Listing& listing, HttpResponse& response) {
  json::array upstreams;
  for (const auto& [name, upstream] : listing.by_name) {
    json::array resolved;
    for (const auto& endpoint : upstream->addresses()) resolved.emplace_back(endpoint.to_string());
    upstreams.push_back({{"address", name}, {"resolved", std::move(resolved)}});
  }
  response.body = json::serialize(json::object{{"upstreams", std::move(upstreams)}});
}

}  // namespace

void list_upstream(const std::shared_ptr<Upstream>& upstream, BuildContext& context) {
  auto listing = context.scope.share<Listing>("proxy/upstreams");
  listing->by_name.emplace(upstream->name(), upstream);
  context.endpoints.add("management", {"GET", "/upstreams",
                                       [listing](const HttpRequest&, const std::vector<std::string>&,
                                                 HttpResponse& response) { list(*listing, response); }});
}

}  // namespace sipward::proxy

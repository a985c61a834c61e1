#include "config/json_out.hpp"

#include <boost/json.hpp>

#include "sipward/config/record.hpp"
#include "sipward/config/sipfile.hpp"

namespace sipward::config {
namespace {

namespace json = boost::json;

// As it was written: in JSON a number stays a number.
json::value text(const Arg& arg) {
  if (!arg.written.empty()) return json::value(arg.written);
  if (arg.json == JsonKind::flag) return arg.text == "true";
  if (arg.json == JsonKind::number) {
    boost::system::error_code error;
    auto number = json::parse(arg.text, error);
    if (!error) return number;
  }
  return json::value(arg.text);
}

json::array texts(const std::vector<Arg>& args) {
  json::array result;
  for (const auto& arg : args) result.push_back(text(arg));
  return result;
}

json::array all(std::string_view kind, const std::vector<Node>& nodes);

bool is_handle(const Node& node) {
  return node.name == "handle" || node.name == "handle_path";
}

// {"handler": NAME, …options}: the kind first, as a reader of the JSON expects.
json::object named(std::string_view kind, const Node& node) {
  json::object result{{kind, node.name}};
  // Handlers within a handler run in their order, which options by name would lose.
  if (is_handle(node)) {
    if (!node.args.empty()) result["path"] = texts(node.args);
    result["handle"] = all("handler", node.children);
    return result;
  }
  auto options = to_json(node);
  if (auto* object = options.if_object()) {
    for (auto& [key, value] : *object) result.insert_or_assign(key, std::move(value));
  } else if (!options.is_null()) {
    result["args"] = options.is_array() ? std::move(options) : json::value(json::array{std::move(options)});
  }
  return result;
}

json::array all(std::string_view kind, const std::vector<Node>& nodes) {
  json::array result;
  for (const auto& node : nodes) result.push_back(named(kind, node));
  return result;
}

json::array listen(const std::vector<Listener>& listeners) {
  json::array result;
  for (const auto& listener : listeners) result.emplace_back(listener.address.to_string());
  return result;
}

json::object server_json(const ServerNode& server) {
  json::object result{{"listen", listen(server.listen)}};
  const ServerNode defaults;
  if (server.matching_timeout != defaults.matching_timeout)
    result["matching_timeout"] = format_duration(server.matching_timeout);
  if (server.idle_timeout != defaults.idle_timeout)
    result["idle_timeout"] = format_duration(server.idle_timeout);
  json::object matchers;
  for (const auto& set : server.matchers) matchers[set.name] = all("matcher", set.matchers);
  if (!matchers.empty()) result["matchers"] = std::move(matchers);
  json::array routes;
  for (const auto& route : server.routes) {
    json::object entry;
    if (!route.match.empty()) entry["match"] = json::value_from(route.match);
    entry["handle"] = all("handler", route.handlers);
    routes.push_back(std::move(entry));
  }
  result["routes"] = std::move(routes);
  return result;
}

json::object site_json(const SiteNode& site) {
  json::array routes;
  for (const auto& child : site.children) {
    json::object route;
    if (is_handle(child)) {
      // Without a path it is a block for every path still, not handlers of the site itself.
      auto paths = texts(child.args);
      route["path"] = paths.empty()       ? json::value("*")
                      : paths.size() == 1 ? std::move(paths.front())
                                          : json::value(std::move(paths));
      if (child.name == "handle_path") route["strip_path"] = true;
      route["handle"] = all("handler", child.children);
    } else {
      route["handle"] = json::array{named("handler", child)};
    }
    routes.push_back(std::move(route));
  }
  return {{"listen", listen(site.listen)}, {"routes", std::move(routes)}};
}

}  // namespace

json::value to_json(const Node& node) {
  if (node.record->filled) return node.record->to_json();
  if (!node.has_block) {
    if (node.args.empty()) return nullptr;
    if (node.args.size() == 1) return text(node.args.front());
    return texts(node.args);
  }
  json::object result;
  if (!node.args.empty()) result["args"] = texts(node.args);
  for (const auto& child : node.children) {
    auto value = to_json(child);
    if (value.is_null()) value = true;
    auto* known = result.if_contains(child.name);
    if (!known) {
      result[child.name] = std::move(value);
      continue;
    }
    // Repeated: one array of everything.
    if (!known->is_array()) *known = json::array{*known};
    known->as_array().push_back(std::move(value));
  }
  return result;
}

json::object to_json(const Sipfile& sipfile) {
  json::object result{{"global", sipfile.global.record->to_json()}};
  json::array servers;
  for (const auto& server : sipfile.servers) servers.push_back(server_json(server));
  result["servers"] = std::move(servers);
  json::array sites;
  for (const auto& site : sipfile.sites) sites.push_back(site_json(site));
  result["sites"] = std::move(sites);
  return result;
}

}  // namespace sipward::config

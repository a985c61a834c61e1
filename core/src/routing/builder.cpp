#include "routing/builder.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "modules/component_steps.hpp"
#include "sipward/global_tls.hpp"

namespace sipward {
namespace {

// FNV-1a: told apart are a handful of names that the operator chose.
std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

// Gives each name the first number from its hash on that is free; the same names in the same order always get
// the same numbers.
template <class Number>
class Numbers {
 public:
  Number of(const std::string& name) {
    const auto hash = hash_of(name + '#' + std::to_string(count_[name]++));
    auto number = static_cast<Number>(hash ^ (hash >> 16));
    while (number == 0 || !taken_.insert(number).second) ++number;
    return number;
  }

 private:
  std::map<std::string, unsigned> count_;
  std::set<Number> taken_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const auto& word : words) result += word + ' ';
  return result;
}

class Builder final : public CreateContext {
 public:
  Builder(const config::Sipfile& sipfile, const ModuleHost& modules, config::Errors& e, RouteTree& tree)
      : CreateContext(e, *tree.scope), sipfile_(sipfile), modules_(modules), tree_(tree) {}

  void build() {
    global_tls(scope) = {sipfile_.options.tls_certificate, sipfile_.options.tls_key};
    for (const auto& node : sipfile_.servers) tree_.servers.push_back(server(node));
    for (const auto& node : sipfile_.sites) site(node);
    check_listeners();
  }

  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node& parent) override {
    std::vector<std::unique_ptr<HttpHandler>> handlers;
    for (const auto& child : parent.children) add_http(child, handlers);
    return handlers;
  }

 private:
  std::unique_ptr<RouteServer> server(const config::ServerNode& node) {
    auto result = std::make_unique<RouteServer>();
    result->listen = node.listen;
    result->idle_timeout = node.idle_timeout;
    std::map<std::string, const MatcherSet*> sets;
    for (const auto& set_node : node.matchers) {
      auto set = std::make_unique<MatcherSet>();
      for (const auto& matcher_node : set_node.matchers) {
        auto matcher = modules_.create_matcher(matcher_node, *this);
        if (!matcher) continue;
        validate_component(*matcher, matcher_node, errors);
        set->push_back(std::move(matcher));
      }
      sets[set_node.name] = set.get();
      result->sets.push_back(std::move(set));
    }
    Numbers<RouteId> numbers;
    for (const auto& route_node : node.routes) {
      result->routes.push_back(route(route_node, sets));
      result->routes.back().id = numbers.of(joined(route_node.match));
    }
    for (const auto& r : result->routes)
      for (const auto& handler : r.handlers) {
        result->can_serve = result->can_serve && handler->can_serve();
        if (const auto* foresight = dynamic_cast<const Foresight*>(handler.get()))
          result->foresights.push_back(foresight);
      }
    if (!result->can_serve)
      errors.warn(node.position,
                  "this listener is not opened: a route of it needs a feature that is not active yet");
    return result;
  }

  Route route(const config::RouteNode& node, const std::map<std::string, const MatcherSet*>& sets) {
    Route result;
    for (const auto& name : node.match)
      if (const auto it = sets.find(name); it != sets.end()) result.match.push_back(it->second);
    if (node.handlers.size() > Route::kMaxHandlers)
      errors.add(node.position, "a route takes " + std::to_string(Route::kMaxHandlers) +
                                    " handlers at most; this one has " +
                                    std::to_string(node.handlers.size()));
    std::string ended_by;
    bool whole = true;
    Numbers<HandlerId> numbers;
    for (const auto& handler_node : node.handlers) {
      auto handler = modules_.create_handler(handler_node, *this);
      whole = whole && handler;
      if (!handler) continue;
      validate_component(*handler, handler_node, errors);
      if (!ended_by.empty())
        errors.add(handler_node.position, config::quote(handler_node.name) + " would never run: " +
                                              config::quote(ended_by) + " ends the route");
      if (handler->terminal()) ended_by = handler_node.name;
      result.handlers.push_back(std::move(handler));
      result.names.push_back(numbers.of(handler_node.name));
    }
    if (ended_by.empty() && whole && !node.handlers.empty())
      errors.warn(node.position, "nothing in this route answers or forwards; add proxy or respond");
    return result;
  }

  void site(const config::SiteNode& node) {
    HttpSite result;
    for (const auto& listener : node.listen) result.listen.push_back(listener.address.to_string());
    for (const auto& child : node.children) add_http(child, result.handlers);
    tree_.sites->push_back(std::move(result));
  }

  void add_http(const config::Node& node, std::vector<std::unique_ptr<HttpHandler>>& out) {
    auto handler = modules_.create_http(node, *this);
    if (!handler) return;
    validate_component(*handler, node, errors);
    out.push_back(std::move(handler));
  }

  void check_listeners() {
    std::map<std::string, config::Position> seen;
    for (const auto& node : sipfile_.servers)
      for (const auto& listener : node.listen) {
        const auto [it, fresh] = seen.emplace(listener.address.to_string(), listener.position);
        if (!fresh)
          errors.add(listener.position, listener.address.to_string() + " is listened on twice; first at " +
                                            it->second.to_string());
        if (listener.address.transport != Transport::udp && listener.address.transport != Transport::tcp)
          errors.not_active(listener.position, "listening on " + listener.address.to_string());
      }
  }

  const config::Sipfile& sipfile_;
  const ModuleHost& modules_;
  RouteTree& tree_;
};

}  // namespace

std::shared_ptr<RouteTree> build_tree(const config::Sipfile& sipfile, const ModuleHost& modules,
                                      config::Errors& errors) {
  auto tree = std::make_shared<RouteTree>();
  Builder(sipfile, modules, errors, *tree).build();
  return tree;
}

void provision_tree(RouteTree& tree, const ModuleHost& modules, BuildContext& context) {
  for (auto& server : tree.servers) {
    for (auto& set : server->sets)
      for (auto& matcher : *set) provision_component(*matcher, context);
    for (auto& route : server->routes)
      for (auto& handler : route.handlers) provision_component(*handler, context);
  }
  if (tree.sites->empty()) return;
  const auto* factory = modules.service("http_server/1");
  if (!factory) throw config::ConfigError("an HTTP site needs http_server/1; no loaded module provides it");
  tree.http = context.services.find_or_make<HttpServer>(
      "http_server/1", [&] { return std::static_pointer_cast<HttpServer>(factory->make(context)); });
  for (auto& site : *tree.sites)
    for (auto& handler : site.handlers) provision_component(*handler, context);
}

}  // namespace sipward

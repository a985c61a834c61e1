#include "routing/builder.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "modules/component_steps.hpp"
#include "sipward/global_tls.hpp"
#include "sipward/tls_client.hpp"

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

// All that a directive says.
std::uint32_t hash_of(const config::Node& node) {
  std::string text = node.name;
  const auto mix = [&](std::uint32_t hash) { text += '#' + std::to_string(hash); };
  for (const auto& arg : node.args) mix(hash_of(arg.text));
  for (const auto& child : node.children) mix(hash_of(child));
  return hash_of(text);
}

LayerId layer_id(const config::Node& node) {
  const LayerId name = hash_of(std::string_view(node.name)), all = hash_of(node);
  return (name << 32) | (all & ~kLayerKindBits) | static_cast<LayerId>(layer_kind(node.name));
}

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
    result->matching_timeout = node.matching_timeout;
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
    for (const auto& listener : node.listen) imply_layers(*result, listener);
    result->prepare();
    result->find_upstream_sides();
    for (const auto& r : result->routes)
      for (const auto& handler : r.handlers) {
        result->can_serve = result->can_serve && handler->can_serve();
        if (const auto* foresight = dynamic_cast<const Foresight*>(handler.get()))
          result->foresights.push_back(foresight);
      }
    for (const auto& handler : result->implied) result->can_serve = result->can_serve && handler->can_serve();
    if (!result->can_serve)
      errors.warn(node.position,
                  "this listener is not opened: a route of it needs a feature that is not active yet");
    return result;
  }

  // What the listener's transport asks for, for routes that don't bring it.
  void imply_layers(RouteServer& server, const config::Listener& listener) {
    const auto add = [&](std::string_view directive, Layer& layer) {
      if (layer.handler || !server.can_serve) return;
      config::Node node;
      node.name = directive;
      node.position = listener.position;
      if (!modules_.handler(directive)) {
        errors.not_active(listener.position, "listening on " + listener.address.to_string());
        server.can_serve = false;
        return;
      }
      auto handler = modules_.create_handler(node, *this);
      if (!handler) return;
      validate_component(*handler, node, errors);
      layer = {handler.get(), layer_id(node)};
      server.implied.push_back(std::move(handler));
    };
    const auto transport = listener.address.transport.value_or(Transport::udp);
    const auto brings = [&](LayerKind kind) {
      return std::all_of(server.routes.begin(), server.routes.end(), [&](const Route& r) {
        return std::any_of(r.layers.begin(), r.layers.end(),
                           [&](const Layer& layer) { return kind_of(layer.id) == kind; });
      });
    };
    if ((transport == Transport::tls || transport == Transport::wss) && !brings(LayerKind::tls))
      add("tls", server.tls);
    if ((transport == Transport::ws || transport == Transport::wss) && !brings(LayerKind::websocket))
      add("websocket", server.websocket);
  }

  Route route(const config::RouteNode& node, const std::map<std::string, const MatcherSet*>& sets) {
    Route result;
    for (const auto& name : node.match)
      if (const auto it = sets.find(name); it != sets.end()) result.match.push_back(it->second);
    if (node.handlers.size() > Route::kMaxHandlers)
      errors.add(node.position, "a route takes " + std::to_string(Route::kMaxHandlers) +
                                    " handlers at most; this one has " +
                                    std::to_string(node.handlers.size()));
    // Where nothing deals with SIP, octets are octets.
    result.sip = std::any_of(result.match.begin(), result.match.end(), [](const MatcherSet* set) {
      return std::any_of(set->begin(), set->end(), [](const auto& matcher) { return matcher->needs_sip(); });
    });
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
      if (handler->is_layer())
        result.layers.push_back({handler.get(), layer_id(handler_node)});
      else
        result.sip = result.sip || handler->needs_sip();
      result.handlers.push_back(std::move(handler));
      result.names.push_back(numbers.of(handler_node.name));
    }
    if (result.layers.size() > LayerList::kMost)
      errors.add(node.position,
                 "a route takes " + std::to_string(LayerList::kMost) + " stream layers at most");
    result.transit = whole && !result.layers.empty() && result.layers.size() == result.handlers.size();
    if (ended_by.empty() && whole && !node.handlers.empty() && !result.transit)
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
  if (const auto* factory = modules.service("tls_client/1"))
    tls_clients(context.scope) = std::static_pointer_cast<TlsClients>(factory->make(context));
  for (auto& server : tree.servers) {
    for (auto& set : server->sets)
      for (auto& matcher : *set) provision_component(*matcher, context);
    for (auto& route : server->routes)
      for (auto& handler : route.handlers) provision_component(*handler, context);
    for (auto& handler : server->implied) provision_component(*handler, context);
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

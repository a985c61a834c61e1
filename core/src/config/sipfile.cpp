#include "sipward/config/sipfile.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "config/expand.hpp"
#include "config/globals.hpp"
#include "config/json_in.hpp"
#include "config/json_value.hpp"
#include "sipward/config/reader.hpp"

namespace sipward::config {
namespace {

class Builder final {
 public:
  Builder(const Environment& environment, Errors& errors) : environment_(environment), errors_(errors) {}

  Sipfile build(std::vector<Node> nodes) {
    for (auto& node : nodes) {
      if (node.name.empty()) {
        globals(node);
      } else {
        top_level(node);
      }
    }
    std::move(top_servers_.begin(), top_servers_.end(), std::back_inserter(sipfile_.servers));
    return finish();
  }

  Sipfile build(JsonShape shape) {
    sipfile_.global = std::move(shape.global);
    for (auto& node : shape.servers) server(node, sipfile_.servers);
    for (auto& node : shape.sites) site(node);
    return finish();
  }

 private:
  Sipfile finish() {
    sipfile_.global.name = "the global options";
    sipfile_.options = read_globals(sipfile_.global, errors_);
    if (!environment_.import_files) {
      for (const auto& child : sipfile_.global.children) {
        if (child.name == "modules_path")
          errors_.add(child.position,
                      "modules_path is fixed when the process starts; what comes by the API cannot name one");
      }
    }
    return std::move(sipfile_);
  }

  void globals(Node& node) {
    if (sipfile_.global.has_block) return errors_.add(node.position, "the global options are given twice");
    sipfile_.global.has_block = true;
    sipfile_.global.position = node.position;
    for (auto& child : node.children) {
      if (child.name != "layer4") {
        sipfile_.global.children.push_back(std::move(child));
        continue;
      }
      for (const auto& arg : child.args)
        errors_.add(arg.position, "layer4 takes no argument " + quote(arg.text));
      for (auto& server : child.children) this->server(server, sipfile_.servers);
    }
  }

  void top_level(Node& node) {
    const auto address = parse_listen(comma_cut(node.name));
    if (address && address->transport) return server(node, top_servers_);
    if (address) return site(node);
    static constexpr std::string_view kGlobal[] = {
        "admin", "grace_period", "layer4", "log", "modules_path", "resolvers", "state_dir", "tls", "workers"};
    if (std::find(std::begin(kGlobal), std::end(kGlobal), node.name) != std::end(kGlobal))
      return errors_.add(node.position, node.name +
                                            " is a global option; it belongs into the block { … } that "
                                            "stands first in the file");
    errors_.add(node.position, quote(node.name) +
                                   " is no address to listen on; at top level stand layer-4 servers "
                                   "such as udp/:5060, sites such as :2020, and (snippets)");
  }

  // `:80, :81 { … }` in Caddy's manner.
  static std::string_view comma_cut(std::string_view text) {
    if (text.ends_with(',')) text.remove_suffix(1);
    return text;
  }

  std::vector<Listener> listeners(const Node& node, bool layer4) {
    std::vector<Listener> result;
    const auto add = [&](const std::string& written, const Position& position) {
      auto address = parse_listen(comma_cut(written));
      const bool right =
          address && address->transport.has_value() == layer4 && (!layer4 || address->unix_path.empty());
      if (!right) {
        errors_.add(position,
                    quote(written) + (layer4 ? " is no address of a layer-4 server, such as udp/:5060"
                                             : " is no address of a site, such as :2020"));
        return;
      }
      const auto [found, added] = taken_.try_emplace(address->to_string(), position);
      if (!added) {
        errors_.add(position, address->to_string() + " is served already at " + found->second.to_string());
        return;
      }
      result.push_back({std::move(*address), position});
    };
    if (!node.name.empty()) add(node.name, node.position);  // JSON without listen has been told already
    for (const auto& arg : node.args) add(arg.text, arg.position);
    return result;
  }

  void server(Node& node, std::vector<ServerNode>& out) {
    ServerNode server;
    server.position = node.position;
    if (!node.has_block)
      errors_.add(node.position, quote(node.name) + " wants a block { … } with its routes");
    server.listen = listeners(node, true);
    Node options;  // what is left when matchers and routes are taken out
    options.name = "a layer-4 server";
    options.position = node.position;
    for (auto& child : node.children) {
      if (child.name.starts_with('@')) {
        matcher_set(child, server);
      } else if (child.name == "route") {
        continue;
      } else {
        options.children.push_back(std::move(child));
      }
    }
    for (auto& child : node.children) {
      if (child.name == "route") route(child, server);
    }
    Reader r(options, errors_);
    r.duration("matching_timeout", server.matching_timeout);
    r.duration("idle_timeout", server.idle_timeout);
    known_words(options);
    out.push_back(std::move(server));
  }

  // Routes and matchers are words of a server too, so the list of what is known is made here.
  void known_words(const Node& options) {
    for (const auto& child : options.children) {
      if (child.name == "matching_timeout" || child.name == "idle_timeout") continue;
      errors_.add(child.position,
                  "unknown option " + quote(child.name) +
                      " in a layer-4 server; it knows @NAME, idle_timeout, matching_timeout, route; "
                      "handlers stand inside a route",
                  closest(child.name, {"idle_timeout", "matching_timeout", "route"}));
    }
  }

  void matcher_set(Node& node, ServerNode& server) {
    MatcherSet set;
    set.name = node.name.substr(1);
    set.position = node.position;
    if (set.name.empty()) return errors_.add(node.position, "a matcher set wants a name behind its '@'");
    const auto known = find(server, set.name);
    if (known != server.matchers.end())
      return errors_.add(node.position,
                         quote(node.name) + " is defined already at " + known->position.to_string());
    if (node.args.empty()) {
      set.matchers = std::move(node.children);
    } else {
      Node matcher;
      matcher.name = node.args.front().text;
      matcher.position = node.args.front().position;
      matcher.args.assign(node.args.begin() + 1, node.args.end());
      matcher.has_block = node.has_block;
      matcher.children = std::move(node.children);
      set.matchers.push_back(std::move(matcher));
    }
    if (set.matchers.empty()) errors_.add(node.position, quote(node.name) + " has no matcher");
    server.matchers.push_back(std::move(set));
  }

  static std::vector<MatcherSet>::const_iterator find(const ServerNode& server, std::string_view name) {
    return std::find_if(server.matchers.begin(), server.matchers.end(),
                        [&](const MatcherSet& set) { return set.name == name; });
  }

  void route(Node& node, ServerNode& server) {
    RouteNode route;
    route.position = node.position;
    for (const auto& arg : node.args) {
      if (!arg.text.starts_with('@')) {
        errors_.add(arg.position, "a route takes names of matcher sets such as @sip, not " + quote(arg.text));
        continue;
      }
      route.match.push_back(arg.text.substr(1));
      if (find(server, route.match.back()) != server.matchers.end()) continue;
      std::vector<std::string> known;
      for (const auto& set : server.matchers) known.push_back("@" + set.name);
      errors_.add(arg.position, "this server defines no matcher set " + quote(arg.text),
                  closest(arg.text, known));
    }
    if (node.children.empty()) errors_.add(node.position, "this route has no handler");
    route.handlers = std::move(node.children);
    server.routes.push_back(std::move(route));
  }

  void site(Node& node) {
    SiteNode site;
    site.position = node.position;
    if (!node.has_block)
      errors_.add(node.position, quote(node.name) + " wants a block { … } with its handlers");
    site.listen = listeners(node, false);
    site.children = std::move(node.children);
    sipfile_.sites.push_back(std::move(site));
  }

  const Environment& environment_;
  Errors& errors_;
  Sipfile sipfile_;
  std::vector<ServerNode> top_servers_;
  std::map<std::string, Position> taken_;
};

Sipfile from_json(const std::shared_ptr<const Source>& source, const Environment& environment,
                  Errors& errors) {
  const auto document = parse_json(source, errors);
  return Builder(environment, errors)
      .build(document ? json_shape(*document, environment, errors) : JsonShape{});
}

}  // namespace

Environment process_environment() {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  char hostname[256] = {};
  if (gethostname(hostname, sizeof hostname - 1) == 0) environment.hostname = hostname;
  return environment;
}

Sipfile load_file(const std::filesystem::path& path, const Environment& environment, Errors& errors) {
  Expander expander(environment, errors);
  if (path.extension() == ".json") {
    const auto source = expander.source(path);
    return source ? from_json(source, environment, errors) : Sipfile{};
  }
  return Builder(environment, errors).build(expander.file(path));
}

Sipfile load_text(std::string file, std::string text, const Environment& environment, Errors& errors) {
  Expander expander(environment, errors);
  return Builder(environment, errors).build(expander.text(std::move(file), std::move(text)));
}

Sipfile load_json(std::string file, std::string text, const Environment& environment, Errors& errors) {
  return from_json(std::make_shared<Source>(Source{std::move(file), std::move(text), 0}), environment,
                   errors);
}

std::vector<Node> parse_text(std::string file, std::string text, const Environment& environment,
                             Errors& errors) {
  return Expander(environment, errors).text(std::move(file), std::move(text));
}

}  // namespace sipward::config

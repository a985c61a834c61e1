#include "config/json_in.hpp"

#include <algorithm>

#include "config/placeholders.hpp"

namespace sipward::config {
namespace {

using Kind = JsonValue::Kind;

class Shaper final {
 public:
  Shaper(const Environment& environment, Errors& errors)
      : errors_(errors), placeholders_(environment, errors) {}

  JsonShape shape(const JsonValue& document) {
    JsonShape result;
    if (!expect(document, Kind::object, "a configuration")) return result;
    known(document, "a configuration", {"global", "servers", "sites"});
    if (const auto* global = document.find("global"); global && expect(*global, Kind::object, "global")) {
      result.global.position = global->position;
      block(*global, result.global, {});
    }
    for (const auto& item : list(document, "servers")) {
      if (expect(item, Kind::object, "a server")) result.servers.push_back(server(item));
    }
    for (const auto& item : list(document, "sites")) {
      if (expect(item, Kind::object, "a site")) result.sites.push_back(site(item));
    }
    return result;
  }

 private:
  bool expect(const JsonValue& value, Kind kind, std::string_view what) {
    if (value.is(kind)) return true;
    errors_.add(value.position, std::string(what) + " is " + std::string(to_string(kind)) + ", not " +
                                    std::string(to_string(value.kind)));
    return false;
  }

  void known(const JsonValue& object, std::string_view what, const std::vector<std::string>& keys) {
    for (const auto& member : object.items) {
      if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
      std::string list;
      for (const auto& key : keys) list += (list.empty() ? "" : ", ") + key;
      errors_.add(member.key_position,
                  "unknown key " + quote(member.key) + " in " + std::string(what) + "; it knows " + list,
                  closest(member.key, keys));
    }
  }

  // The items of an array behind a key; none when the key is absent or holds something else.
  const std::vector<JsonValue>& list(const JsonValue& object, std::string_view key) {
    static const std::vector<JsonValue> kNone;
    const auto* value = object.find(key);
    return value && expect(*value, Kind::array, key) ? value->items : kNone;
  }

  // A string, or an array of strings, of which none is empty.
  std::vector<Arg> texts(const JsonValue& value, std::string_view what) {
    std::vector<Arg> result;
    const auto add = [&](const JsonValue& item) {
      if (!item.text.empty()) return result.push_back(arg(item));
      errors_.add(item.position, "a value of " + std::string(what) + " is empty");
    };
    if (value.is(Kind::string)) {
      add(value);
    } else if (expect(value, Kind::array, what)) {
      for (const auto& item : value.items) {
        if (expect(item, Kind::string, "each value of " + std::string(what))) add(item);
      }
    }
    return result;
  }

  Arg arg(const JsonValue& value) {
    Arg result{value.text, value.position};
    result.json = value.is(Kind::string)   ? JsonKind::string
                  : value.is(Kind::number) ? JsonKind::number
                                           : JsonKind::flag;
    if (value.is(Kind::string)) placeholders_.all(result);
    return result;
  }

  Node listening(const JsonValue& object, std::string_view what) {
    Node node;
    node.position = object.position;
    node.has_block = true;
    const auto* listen = object.find("listen");
    auto addresses = listen ? texts(*listen, "listen") : std::vector<Arg>();
    if (!listen || (listen->is(Kind::array) && listen->items.empty()))
      errors_.add(object.position, std::string(what) + " wants listen, an array of addresses");
    if (addresses.empty()) return node;
    node.name = std::move(addresses.front().text);
    node.position = addresses.front().position;
    node.args.assign(std::make_move_iterator(addresses.begin() + 1),
                     std::make_move_iterator(addresses.end()));
    return node;
  }

  Node server(const JsonValue& object) {
    known(object, "a server", {"idle_timeout", "listen", "matchers", "matching_timeout", "routes"});
    Node node = listening(object, "a server");
    for (const auto* name : {"matching_timeout", "idle_timeout"}) {
      if (const auto* value = object.find(name)) option(*value, node.children);
    }
    if (const auto* matchers = object.find("matchers");
        matchers && expect(*matchers, Kind::object, "matchers")) {
      for (const auto& set : matchers->items) {
        Node child;
        child.name = "@" + set.key;
        child.position = set.key_position;
        child.has_block = true;
        if (expect(set, Kind::array, "a set of matchers")) child.children = directives("matcher", set);
        node.children.push_back(std::move(child));
      }
    }
    for (const auto& item : list(object, "routes")) {
      if (!expect(item, Kind::object, "a route")) continue;
      known(item, "a route", {"handle", "match"});
      Node route;
      route.name = "route";
      route.position = item.position;
      route.has_block = true;
      if (const auto* match = item.find("match")) route.args = texts(*match, "match");
      for (auto& name : route.args) name.text.insert(0, 1, '@');
      if (const auto* handle = item.find("handle"); handle && expect(*handle, Kind::array, "handle"))
        route.children = directives("handler", *handle);
      node.children.push_back(std::move(route));
    }
    return node;
  }

  Node site(const JsonValue& object) {
    known(object, "a site", {"listen", "routes"});
    Node node = listening(object, "a site");
    for (const auto& item : list(object, "routes")) {
      if (expect(item, Kind::object, "a route")) site_route(item, node.children);
    }
    return node;
  }

  void site_route(const JsonValue& item, std::vector<Node>& out) {
    known(item, "a route of a site", {"handle", "path", "strip_path"});
    const auto* path = item.find("path");
    const auto* strip = item.find("strip_path");
    const auto* handle = item.find("handle");
    if (!handle) return errors_.add(item.position, "a route of a site wants handle, an array of handlers");
    if (!expect(*handle, Kind::array, "handle")) return;
    auto handlers = directives("handler", *handle);
    if (strip && !expect(*strip, Kind::flag, "strip_path")) strip = nullptr;
    // Without a path, the handlers of the site itself.
    if (!path) {
      if (strip) errors_.add(strip->key_position, "strip_path wants a path");
      std::move(handlers.begin(), handlers.end(), std::back_inserter(out));
      return;
    }
    Node node;
    node.name = strip && strip->text == "true" ? "handle_path" : "handle";
    node.position = item.position;
    node.args = texts(*path, "path");
    node.has_block = true;
    node.children = std::move(handlers);
    out.push_back(std::move(node));
  }

  // [{"handler": NAME, …options}, …]
  std::vector<Node> directives(std::string_view kind, const JsonValue& array) {
    std::vector<Node> result;
    for (const auto& item : array.items) {
      if (!expect(item, Kind::object, "a " + std::string(kind))) continue;
      const auto* name = item.find(kind);
      if (!name) {
        errors_.add(item.position, "the key " + quote(kind) + " with the name of the directive is missing");
        continue;
      }
      if (!expect(*name, Kind::string, kind)) continue;
      Node node;
      node.name = name->text;
      node.position = name->position;
      block(item, node, kind);
      // As in a Sipfile: one that has nothing to say has no block.
      node.has_block = !node.children.empty();
      if (node.name == "import") {
        errors_.add(node.position, "JSON imports nothing; 'import' is for Sipfiles");
      } else {
        result.push_back(std::move(node));
      }
    }
    return result;
  }

  static bool holds_handlers(const JsonValue& value) {
    const auto is_handler = [](const JsonValue& item) { return item.find("handler") != nullptr; };
    return value.is(Kind::array) && value.key == "handle" && !value.items.empty() &&
           std::all_of(value.items.begin(), value.items.end(), is_handler);
  }

  // What stands behind `kind`, the name of the directive, is not an option of it.
  void block(const JsonValue& object, Node& node, std::string_view kind) {
    node.has_block = true;
    for (const auto& member : object.items) {
      if (!kind.empty() && member.key == kind) continue;
      if (member.key == "path" && (node.name == "handle" || node.name == "handle_path")) {
        node.args = texts(member, "path");
      } else if (member.key == "args") {
        for (const auto& item : list(object, "args")) scalar(item, "each value of args", node.args);
      } else if (holds_handlers(member)) {
        auto handlers = directives("handler", member);
        std::move(handlers.begin(), handlers.end(), std::back_inserter(node.children));
      } else {
        option(member, node.children);
      }
    }
  }

  void scalar(const JsonValue& value, std::string_view what, std::vector<Arg>& out) {
    if (value.is_scalar()) return out.push_back(arg(value));
    errors_.add(value.position, std::string(what) + " is a string, a number, true or false, not " +
                                    std::string(to_string(value.kind)));
  }

  // A bare word says `true`; an array of values is one line with all of them, one of objects repeats the
  // option.
  void option(const JsonValue& member, std::vector<Node>& out) {
    const auto in_line = [](const JsonValue& item) {
      return item.is_scalar() && !(item.is(Kind::flag) && item.text == "true");
    };
    if (!member.is(Kind::array)) return one(member, member, out);
    if (std::all_of(member.items.begin(), member.items.end(), in_line)) {
      Node node = named(member, member.key_position);
      for (const auto& item : member.items) node.args.push_back(arg(item));
      return out.push_back(std::move(node));
    }
    for (const auto& item : member.items) one(member, item, out);
  }

  static Node named(const JsonValue& member, const Position& position) {
    Node node;
    node.name = member.key;
    node.position = position;
    return node;
  }

  void one(const JsonValue& member, const JsonValue& value, std::vector<Node>& out) {
    Node node = named(member, &member == &value ? member.key_position : value.position);
    switch (value.kind) {
      case Kind::null:
        return errors_.add(value.position, "null says nothing; leave " + quote(member.key) + " out");
      case Kind::object:
        block(value, node, {});
        break;
      case Kind::array:
        for (const auto& item : value.items) scalar(item, "each value of a list", node.args);
        break;
      case Kind::flag:
        if (value.text == "false") node.args.push_back(arg(value));
        break;
      case Kind::number:
      case Kind::string:
        node.args.push_back(arg(value));
        break;
    }
    out.push_back(std::move(node));
  }

  Errors& errors_;
  Placeholders placeholders_;
};

}  // namespace

JsonShape json_shape(const JsonValue& document, const Environment& environment, Errors& errors) {
  return Shaper(environment, errors).shape(document);
}

}  // namespace sipward::config

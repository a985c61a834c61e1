#include "cli/list_modules.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

namespace sipward::cli {
namespace {

class Describing final : public CreateContext {
 public:
  using CreateContext::CreateContext;
  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node&) override { return {}; }
};

void print_list(std::ostream& out, std::string_view title, const std::vector<std::string>& words) {
  if (words.empty()) return;
  out << "  " << title << ":";
  for (const auto& word : words) out << ' ' << word;
  out << '\n';
}

boost::json::array strings(const std::vector<std::string>& words) {
  return boost::json::array(words.begin(), words.end());
}

std::string module_of(const ModuleHost& modules, std::vector<std::string> FoundModule::*words,
                      const std::string& name) {
  for (const auto& module : modules.modules()) {
    const auto& list = module.*words;
    if (module.refused.empty() && std::find(list.begin(), list.end(), name) != list.end()) return module.name;
  }
  return {};
}

template <class Create>
boost::json::value options_of(const std::string& name, Create&& create) {
  config::Errors errors;  // arguments are missing, of course
  BuildScope scope;
  Describing context(errors, scope);
  config::Node node;
  node.name = name;
  node.record->describing = true;
  create(node, context);
  return node.record->options_json();
}

std::string word(const boost::json::value& value) {
  if (value.is_bool()) return value.get_bool() ? "on" : "off";
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_array()) return boost::json::serialize(value);
  std::string all;
  for (const auto& one : value.get_array()) all += (all.empty() ? "" : " ") + word(one);
  return all;
}

void print_rows(const boost::json::array& options, std::string indent, std::ostream& out) {
  std::size_t width = 0;
  for (const auto& option : options) width = std::max(width, option.at("name").as_string().size());
  for (const auto& value : options) {
    const auto& option = value.as_object();
    const auto name = word(option.at("name"));
    out << indent << name << std::string(width - name.size() + 2, ' ') << word(option.at("type"));
    if (const auto* detail = option.if_contains("detail")) out << ", " << word(*detail);
    if (option.contains("repeatable")) out << ", repeatable";
    if (const auto* fallback = option.if_contains("default")) out << " [" << word(*fallback) << ']';
    if (option.contains("active")) out << " (not active yet)";
    out << '\n';
    if (const auto* inner = option.if_contains("options")) print_rows(inner->as_array(), indent + "  ", out);
  }
}

}  // namespace

void print_modules(const ModuleHost& modules, std::ostream& out) {
  for (const auto& module : modules.modules()) {
    if (!module.refused.empty()) {
      out << (module.name.empty() ? module.path.string() : module.name) << ": refused: " << module.refused
          << '\n';
      if (!module.name.empty()) out << "  path: " << module.path.string() << '\n';
      continue;
    }
    out << module.name << ' ' << module.version << '\n' << "  path: " << module.path.string() << '\n';
    print_list(out, "handlers", module.directives);
    print_list(out, "matchers", module.matchers);
    print_list(out, "http", module.http);
    print_list(out, "services", module.services);
  }
}

boost::json::array modules_json(const ModuleHost& modules) {
  boost::json::array result;
  for (const auto& module : modules.modules()) {
    boost::json::object entry{{"name", module.name},
                              {"version", module.version},
                              {"path", module.path.string()},
                              {"handlers", strings(module.directives)},
                              {"matchers", strings(module.matchers)},
                              {"http", strings(module.http)},
                              {"services", strings(module.services)}};
    if (!module.refused.empty()) entry["refused"] = module.refused;
    result.push_back(std::move(entry));
  }
  return result;
}

boost::json::array describe_options(const ModuleHost& modules) {
  boost::json::array result;
  const auto add = [&](std::string_view kind, const std::string& name, const std::string& module,
                       boost::json::value options) {
    result.push_back(boost::json::object{
        {"kind", kind}, {"name", name}, {"module", module}, {"options", std::move(options)}});
  };
  for (const auto& name : modules.handler_names())
    add("handler", name, module_of(modules, &FoundModule::directives, name),
        options_of(name, [&](auto& node, auto& context) { modules.create_handler(node, context); }));
  for (const auto& name : modules.matcher_names())
    add("matcher", name, module_of(modules, &FoundModule::matchers, name),
        options_of(name, [&](auto& node, auto& context) { modules.create_matcher(node, context); }));
  for (const auto& name : modules.http_names())
    add("http", name, module_of(modules, &FoundModule::http, name),
        options_of(name, [&](auto& node, auto& context) { modules.create_http(node, context); }));
  return result;
}

void print_options(const boost::json::array& options, std::ostream& out) {
  for (const auto& value : options) {
    const auto& directive = value.as_object();
    const auto kind = word(directive.at("kind"));
    out << (kind == "http" ? "HTTP handler" : kind) << ' ' << word(directive.at("name")) << " (module "
        << word(directive.at("module")) << ")\n";
    print_rows(directive.at("options").as_array(), "  ", out);
  }
}

}  // namespace sipward::cli

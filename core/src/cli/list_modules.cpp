#include "cli/list_modules.hpp"

#include <boost/json.hpp>

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

template <class Create>
void describe(boost::json::array& out, std::string_view kind, const std::string& name, Create&& create) {
  config::Errors errors;  // arguments are missing, of course
  BuildScope scope;
  Describing context(errors, scope);
  config::Node node;
  node.name = name;
  node.record->describing = true;
  create(node, context);
  out.push_back(
      boost::json::object{{"kind", kind}, {"name", name}, {"options", node.record->options_json()}});
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

boost::json::array describe_options(const ModuleHost& modules) {
  boost::json::array result;
  for (const auto& name : modules.handler_names())
    describe(result, "handler", name,
             [&](auto& node, auto& context) { modules.create_handler(node, context); });
  for (const auto& name : modules.matcher_names())
    describe(result, "matcher", name,
             [&](auto& node, auto& context) { modules.create_matcher(node, context); });
  for (const auto& name : modules.http_names())
    describe(result, "http", name, [&](auto& node, auto& context) { modules.create_http(node, context); });
  return result;
}

}  // namespace sipward::cli

#include "modules/module_host.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "modules/module_file.hpp"

namespace sipward {
namespace {

namespace fs = std::filesystem;

const char* word(const HandlerFactory& f) {
  return f.directive;
}
const char* word(const MatcherFactory& f) {
  return f.matcher;
}
const char* word(const HttpFactory& f) {
  return f.directive;
}
const char* word(const ServiceFactory& f) {
  return f.interface;
}

template <class Factory>
std::vector<std::string> words(const Factory* list, std::size_t count) {
  std::vector<std::string> out;
  for (const Factory& factory : std::span(list, count)) out.emplace_back(word(factory));
  return out;
}

template <class Table>
std::vector<std::string> keys(const Table& table) {
  std::vector<std::string> out;
  for (const auto& [name, offer] : table) out.push_back(name);
  return out;
}

template <class Table>
auto find(const Table& table, std::string_view name) {
  const auto at = table.find(name);
  return at == table.end() ? nullptr : at->second.factory;
}

template <class Table>
auto create(const Table& table, std::string_view kind, const config::Node& node, CreateContext& context,
            bool some_refused) -> decltype(find(table, {})->create(node, context)) {
  const auto* factory = find(table, node.name);
  if (factory == nullptr) {
    context.errors.add(node.position,
                       "no module offers " + std::string(kind) + " " + config::quote(node.name) +
                           (some_refused ? "; some were refused, see sipward list-modules" : ""),
                       config::closest(node.name, keys(table)));
    return nullptr;
  }
  const std::size_t before = context.errors.count(config::Severity::error);
  std::string why = "made nothing and didn't say why";
  try {
    if (auto made = factory->create(node, context)) return made;
    if (context.errors.count(config::Severity::error) != before) return nullptr;
  } catch (const std::exception& e) {
    why = e.what();
  } catch (...) {  // a stranger's module may throw anything; the configuration is refused, the server stays
    why = "threw something that is no exception";
  }
  context.errors.add(node.position, node.name + ": " + why);
  return nullptr;
}

}  // namespace

void ModuleHost::load_folders(std::span<const fs::path> folders) {
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
      refuse(folder, "no such folder");
      continue;
    }
    if (auto why = refuse_writable(folder); !why.empty()) {
      refuse(folder, std::move(why));
      continue;
    }
    std::vector<fs::path> files;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".so") files.push_back(at->path());
    }
    if (error) refuse(folder, "can't be read: " + error.message());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) load(file);
  }
}

bool ModuleHost::load(const fs::path& file) {
  std::error_code error;
  const fs::path path = fs::canonical(file, error);  // links are judged by what they lead to
  if (error) {
    std::error_code ignored;
    const fs::path target = fs::read_symlink(file, ignored);
    return refuse(file, target.empty() ? error.message()
                                       : "a link to " + target.string() +
                                             ", which can't be followed: " + error.message());
  }
  for (const FoundModule& known : found_) {
    if (known.path == path) return known.refused.empty();
  }
  if (auto why = refuse_writable(path); !why.empty()) return refuse(path, std::move(why));
  if (auto why = refuse_writable(path.parent_path()); !why.empty()) {
    return refuse(path, "its folder is " + why);
  }
  std::string why;
  const ModuleInfo* info = open_module(path, why);
  if (info == nullptr) return refuse(path, std::move(why));
  return enlist(*info, path);
}

bool ModuleHost::add(const ModuleInfo& info) {
  return enlist(info, {});
}

bool ModuleHost::refuse(fs::path path, std::string why) {
  FoundModule module;
  module.path = std::move(path);
  module.refused = std::move(why);
  found_.push_back(std::move(module));
  return false;
}

bool ModuleHost::enlist(const ModuleInfo& info, fs::path path) {
  for (const auto check : {refuse_build, refuse_offer})
    if (auto why = check(info); !why.empty()) return refuse(std::move(path), std::move(why));

  FoundModule module;
  module.name = info.name;
  module.version = info.version;
  module.path = std::move(path);
  module.directives = words(info.handlers, info.handler_count);
  module.matchers = words(info.matchers, info.matcher_count);
  module.http = words(info.http, info.http_count);
  module.services = words(info.services, info.service_count);

  for (std::size_t i = 0; i < found_.size() && module.refused.empty(); ++i) {
    if (found_[i].refused.empty() && found_[i].name == module.name) {
      module.refused = "there is a module of that name already: " + label(i);
    }
  }
  for (auto why :
       {clash("handler", handlers_, module.directives), clash("matcher", matchers_, module.matchers),
        clash("HTTP handler", http_, module.http), clash("service", services_, module.services)}) {
    if (module.refused.empty()) module.refused = std::move(why);
  }
  found_.push_back(std::move(module));
  if (!found_.back().refused.empty()) return false;

  const std::size_t number = found_.size() - 1;
  const auto enter = [number](auto& table, const auto* list, std::size_t count) {
    for (const auto& factory : std::span(list, count)) table.insert({word(factory), {&factory, number}});
  };
  enter(handlers_, info.handlers, info.handler_count);
  enter(matchers_, info.matchers, info.matcher_count);
  enter(http_, info.http, info.http_count);
  enter(services_, info.services, info.service_count);
  return true;
}

template <class Factory>
std::string ModuleHost::clash(std::string_view kind, const Table<Factory>& table,
                              const std::vector<std::string>& names) const {
  for (auto name = names.begin(); name != names.end(); ++name) {
    const std::string what = std::string(kind) + " " + config::quote(*name);
    if (const auto at = table.find(*name); at != table.end()) {
      return "offers " + what + ", which " + label(at->second.module) + " offers already";
    }
    if (std::find(names.begin(), name, *name) != name) return "offers " + what + " twice";
  }
  return {};
}

bool ModuleHost::some_refused() const {
  return std::any_of(found_.begin(), found_.end(), [](const auto& m) { return !m.refused.empty(); });
}

std::string ModuleHost::label(std::size_t module) const {
  const FoundModule& m = found_[module];
  return "module " + config::quote(m.name) + (m.path.empty() ? "" : " (" + m.path.string() + ")");
}

const HandlerFactory* ModuleHost::handler(std::string_view directive) const {
  return find(handlers_, directive);
}
const MatcherFactory* ModuleHost::matcher(std::string_view name) const {
  return find(matchers_, name);
}
const HttpFactory* ModuleHost::http(std::string_view directive) const {
  return find(http_, directive);
}
const ServiceFactory* ModuleHost::service(std::string_view interface) const {
  return find(services_, interface);
}

std::unique_ptr<Handler> ModuleHost::create_handler(const config::Node& node, CreateContext& context) const {
  return create(handlers_, "handler", node, context, some_refused());
}
std::unique_ptr<Matcher> ModuleHost::create_matcher(const config::Node& node, CreateContext& context) const {
  return create(matchers_, "matcher", node, context, some_refused());
}
std::unique_ptr<HttpHandler> ModuleHost::create_http(const config::Node& node, CreateContext& context) const {
  return create(http_, "HTTP handler", node, context, some_refused());
}

std::vector<std::string> ModuleHost::handler_names() const {
  return keys(handlers_);
}
std::vector<std::string> ModuleHost::matcher_names() const {
  return keys(matchers_);
}
std::vector<std::string> ModuleHost::http_names() const {
  return keys(http_);
}

}  // namespace sipward

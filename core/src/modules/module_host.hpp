#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/module.hpp"

namespace sipward {

// One module (or folder) that was found, whether it serves or not; what `list-modules` prints.
struct FoundModule {
  std::string name;  // empty when it was refused before its name could be trusted
  std::string version;
  std::filesystem::path path;  // canonical; empty for one that was added without a file
  std::vector<std::string> directives, matchers, http, services;  // what it offers, in its own order
  std::string refused;  // why it serves nothing; empty when it serves
};

// The modules of the process and what they offer. Filled once at the start, on the control thread; afterwards
// it is only read. Code is never unloaded, so factories and what they make may outlive the host.
// What can't be loaded is remembered with its reason and never keeps others from serving.
class ModuleHost {
 public:
  // Every *.so of each folder, by file name. Of a folder that others may write to, nothing is loaded. A file
  // that was loaded already is passed over.
  void load_folders(std::span<const std::filesystem::path> folders);
  // False when it was refused; the reason is then in modules().
  bool load(const std::filesystem::path& file);
  // The same registration for a module that is linked in (tests).
  bool add(const ModuleInfo& info);

  // nullptr when no module offers it.
  const HandlerFactory* handler(std::string_view directive) const;
  const MatcherFactory* matcher(std::string_view name) const;
  const HttpFactory* http(std::string_view directive) const;
  const ServiceFactory* service(std::string_view interface) const;

  // Calls the factory for node.name and gives what it made. An unknown name, and whatever create() throws,
  // becomes an error at the node's position, and the result is nullptr.
  std::unique_ptr<Handler> create_handler(const config::Node& node, CreateContext& context) const;
  std::unique_ptr<Matcher> create_matcher(const config::Node& node, CreateContext& context) const;
  std::unique_ptr<HttpHandler> create_http(const config::Node& node, CreateContext& context) const;

  // Sorted; for "did you mean".
  std::vector<std::string> handler_names() const;
  std::vector<std::string> matcher_names() const;
  std::vector<std::string> http_names() const;

  const std::vector<FoundModule>& modules() const { return found_; }  // in the order of loading

 private:
  // What one kind of offer is known by, and the module (index into found_) that offers it.
  template <class Factory>
  struct Offer {
    const Factory* factory;
    std::size_t module;
  };
  template <class Factory>
  using Table = std::map<std::string, Offer<Factory>, std::less<>>;

  bool refuse(std::filesystem::path path, std::string why);
  bool enlist(const ModuleInfo& info, std::filesystem::path path);
  template <class Factory>
  std::string clash(std::string_view kind, const Table<Factory>& table,
                    const std::vector<std::string>& names) const;
  bool some_refused() const;
  std::string label(std::size_t module) const;

  std::vector<FoundModule> found_;
  Table<HandlerFactory> handlers_;
  Table<MatcherFactory> matchers_;
  Table<HttpFactory> http_;
  Table<ServiceFactory> services_;
};

}  // namespace sipward

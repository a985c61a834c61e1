#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>

#include "sipward/build_context.hpp"
#include "sipward/build_id.hpp"
#include "sipward/config.hpp"
#include "sipward/handler.hpp"
#include "sipward/http.hpp"

// The life of a handler (matchers and HTTP handlers live alike):
//  1. create(node, context)  reads its own options into a plain struct. No side effect at all. Every problem
//  is
//                            added to context.errors with its position; none is thrown.
//  2. validate(errors)       checks options against each other. `sipward validate` stops here.
//  3. provision(context)     takes services, metrics, endpoints. May throw config::ConfigError.
//  4. The tree is published; packets arrive on the workers. There is no start() on handlers.
//  5. Services get start() once everything was provisioned, and stop(deadline) when the process ends.
//  6. Destruction releases everything, on the control thread.
namespace sipward {

inline constexpr std::uint32_t kModuleAbi = 1;

class CreateContext;

struct HandlerFactory {
  const char* directive;
  std::unique_ptr<Handler> (*create)(const config::Node&, CreateContext&);
};
struct MatcherFactory {
  const char* matcher;
  std::unique_ptr<Matcher> (*create)(const config::Node&, CreateContext&);
};
struct HttpFactory {  // a handler of HTTP sites
  const char* directive;
  std::unique_ptr<HttpHandler> (*create)(const config::Node&, CreateContext&);
};
struct ServiceFactory {  // a service that core itself looks for by name, such as "http_server/1"
  const char* interface;
  std::shared_ptr<Service> (*make)(BuildContext&);
};

// What create() may use.
class CreateContext {
 public:
  config::Errors& errors;
  BuildScope& scope;

  CreateContext(config::Errors& e, BuildScope& s) : errors(e), scope(s) {}
  virtual ~CreateContext() = default;
  // The HTTP handlers that the children of `parent` name, for directives that hold others (`handle`). Unknown
  // ones are errors and left out.
  virtual std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node& parent) = 0;
};

// The only symbol that a module exports: a constant, so reading it runs no module code. `abi`, `size` and
// `build_id` never move, in any version: they are compared before anything else is looked at.
struct ModuleInfo {
  std::uint32_t abi;
  std::uint32_t size;
  const char* build_id;
  const char* name;
  const char* version;
  const HandlerFactory* handlers;
  std::size_t handler_count;
  const MatcherFactory* matchers;
  std::size_t matcher_count;
  const HttpFactory* http;
  std::size_t http_count;
  const ServiceFactory* services;
  std::size_t service_count;
};

// What a module offers; leave out what it does not.
struct ModuleOffer {
  const HandlerFactory* handlers = nullptr;
  std::size_t handler_count = 0;
  const MatcherFactory* matchers = nullptr;
  std::size_t matcher_count = 0;
  const HttpFactory* http = nullptr;
  std::size_t http_count = 0;
  const ServiceFactory* services = nullptr;
  std::size_t service_count = 0;

  template <std::size_t N>
  constexpr ModuleOffer& add(const HandlerFactory (&list)[N]) {
    return handlers = list, handler_count = N, *this;
  }
  template <std::size_t N>
  constexpr ModuleOffer& add(const MatcherFactory (&list)[N]) {
    return matchers = list, matcher_count = N, *this;
  }
  template <std::size_t N>
  constexpr ModuleOffer& add(const HttpFactory (&list)[N]) {
    return http = list, http_count = N, *this;
  }
  template <std::size_t N>
  constexpr ModuleOffer& add(const ServiceFactory (&list)[N]) {
    return services = list, service_count = N, *this;
  }
};

template <class... Lists>
constexpr ModuleOffer offer(const Lists&... lists) {
  ModuleOffer all;
  (all.add(lists), ...);
  return all;
}

constexpr ModuleInfo make_module_info(const char* build_id, const char* name, const char* version,
                                      const ModuleOffer& o) {
  return {kModuleAbi, sizeof(ModuleInfo), build_id, name,         version,    o.handlers,     o.handler_count,
          o.matchers, o.matcher_count,    o.http,   o.http_count, o.services, o.service_count};
}

}  // namespace sipward

// SIPWARD_MODULE("hello", "1.0.0", kHandlers, kMatchers); lists in any order and number, each constexpr.
#define SIPWARD_MODULE(NAME, VERSION, ...)                                                               \
  extern "C" __attribute__((visibility("default"))) constinit const sipward::ModuleInfo sipward_module = \
      sipward::make_module_info(SIPWARD_BUILD_ID, NAME, VERSION, sipward::offer(__VA_ARGS__))

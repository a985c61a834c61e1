#include "sipward/module.hpp"

#include "proxy.hpp"

namespace {

std::unique_ptr<sipward::Handler> create(const sipward::config::Node& node, sipward::CreateContext& context) {
  return std::make_unique<sipward::proxy::Proxy>(sipward::proxy::read_options(node, context.errors));
}

constexpr sipward::HandlerFactory kHandlers[] = {{"proxy", create}};

}  // namespace

SIPWARD_MODULE("proxy", SIPWARD_VERSION, kHandlers);

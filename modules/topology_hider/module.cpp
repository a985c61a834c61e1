#include "sipward/module.hpp"

#include "options.hpp"

namespace sipward::topology_hider {
namespace {

// Stands where the hider will be; lets everything pass as it is.
class InactiveHider final : public Handler {};

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  read_options(node, context.errors);
  return std::make_unique<InactiveHider>();
}

constexpr HandlerFactory kHandlers[] = {{"sip_topology_hider", create}};

}  // namespace
}  // namespace sipward::topology_hider

SIPWARD_MODULE("topology_hider", SIPWARD_VERSION, sipward::topology_hider::kHandlers);

#include "sipward/module.hpp"

#include "responder.hpp"

namespace sipward::respond {
namespace {

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  return std::make_unique<Responder>(read_options(node, context.errors));
}

constexpr HandlerFactory kHandlers[] = {{"respond", create}};

}  // namespace
}  // namespace sipward::respond

SIPWARD_MODULE("respond", SIPWARD_VERSION, sipward::respond::kHandlers);

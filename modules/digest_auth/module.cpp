#include "sipward/module.hpp"

#include "digest_auth.hpp"

namespace sipward::digest_auth {
namespace {

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  return std::make_unique<DigestAuth>(read_options(node, context.errors));
}

constexpr HandlerFactory kHandlers[] = {{"digest_auth", create}};

}  // namespace
}  // namespace sipward::digest_auth

SIPWARD_MODULE("digest_auth", SIPWARD_VERSION, sipward::digest_auth::kHandlers);

#include "sipward/module.hpp"

#include "proxy.hpp"
#include "upstream.hpp"

namespace {

std::unique_ptr<sipward::Handler> create(const sipward::config::Node& node, sipward::CreateContext& context) {
  auto options = sipward::proxy::read_options(node, context.errors);
  for (const auto& member : options.pool.upstreams) {
    const auto& upstream = member.address;
    if (upstream.unix_path.empty())
      sipward::notes(context.scope)
          .never_banned.push_back({upstream.host, sipward::proxy::why_protected(upstream.to_string())});
  }
  return std::make_unique<sipward::proxy::Proxy>(std::move(options));
}

constexpr sipward::HandlerFactory kHandlers[] = {{"proxy", create}};

}  // namespace

SIPWARD_MODULE("proxy", SIPWARD_VERSION, kHandlers);

#include "options.hpp"

#include "pool_options.hpp"

namespace sipward::proxy {
namespace {

enum class SourceMode : std::uint8_t { own, sip, transparent, proxy_protocol };

}  // namespace

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  o.pool = read_pool_options(r);
  auto source = SourceMode::own;
  std::string version = "v2";
  r.one_of<SourceMode>("source", source,
                       {{"own", SourceMode::own},
                        {"sip", SourceMode::sip},
                        {"transparent", SourceMode::transparent},
                        {"proxy_protocol", SourceMode::proxy_protocol}});
  if (source != SourceMode::own) r.not_active_yet("source");
  r.finish();
  return o;
}

}  // namespace sipward::proxy

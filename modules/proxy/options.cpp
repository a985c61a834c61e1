#include "options.hpp"

#include "pool_options.hpp"

namespace sipward::proxy {

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  o.pool = read_pool_options(r);
  std::string version = "v2";
  r.one_of<SourceMode>("source", o.source,
                       {{"own", SourceMode::own},
                        {"sip", SourceMode::sip},
                        {"transparent", SourceMode::transparent},
                        {"proxy_protocol", SourceMode::proxy_protocol}});
  if (o.source != SourceMode::own && o.source != SourceMode::sip) r.not_active_yet("source");
  read_hop_options(r, o.source, o.hop);
  for (const auto& member : o.pool.upstreams) check_hop_upstream(r, o.source, member.address);
  r.finish();
  return o;
}

}  // namespace sipward::proxy

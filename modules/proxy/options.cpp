#include "options.hpp"

namespace sipward::proxy {
namespace {

enum class CheckMethod : std::uint8_t { sip_options, tcp };

void read_health_check(config::Reader& r) {
  std::chrono::milliseconds interval{std::chrono::seconds(30)}, timeout{std::chrono::seconds(5)};
  unsigned fall = 1, rise = 1;
  auto method = CheckMethod::sip_options;
  r.duration("interval", interval);
  r.duration("timeout", timeout);
  r.one_of<CheckMethod>("method", method,
                        {{"sip_options", CheckMethod::sip_options}, {"tcp", CheckMethod::tcp}});
  r.number("fall", fall, 1, 100);
  r.number("rise", rise, 1, 100);
}

void read_upstream(config::Reader& r, Options& options) {
  config::UpstreamAddress address;
  unsigned weight = 1, max_connections = 0;
  r.upstream("address", address, config::Place::argument);
  r.require("address");
  r.number("weight", weight, 1, 1000);
  r.number("max_connections", max_connections, 0, 1'000'000);
  r.not_active_yet("weight");
  r.not_active_yet("max_connections");
  if (r.given("address")) options.upstreams.push_back(address);
}

void check_upstream(config::Reader& r, const config::UpstreamAddress& address) {
  const auto what = "proxying to " + address.to_string();
  const bool stream_layer =
      address.transport && *address.transport != Transport::udp && *address.transport != Transport::tcp;
  if (address.srv || !address.unix_path.empty() || stream_layer)
    r.errors().not_active(r.node().position, what);
}

}  // namespace

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  r.upstreams("upstreams", o.upstreams, config::Place::argument);
  r.blocks("upstream", [&](config::Reader& b) { read_upstream(b, o); });
  r.one_of<Policy>("lb_policy", o.policy,
                   {{"round_robin", Policy::round_robin},
                    {"weighted_round_robin", Policy::weighted_round_robin},
                    {"random", Policy::random},
                    {"least_conn", Policy::least_conn},
                    {"first", Policy::first},
                    {"ip_hash", Policy::ip_hash},
                    {"call_id_hash", Policy::call_id_hash}});
  if (o.policy == Policy::weighted_round_robin || o.policy == Policy::least_conn ||
      o.policy == Policy::call_id_hash)
    r.not_active_yet("lb_policy");
  std::chrono::milliseconds time{0};
  unsigned number = 0;
  for (const auto* name : {"lb_try_duration", "lb_try_interval", "fail_duration"}) {
    time = {};
    r.duration(name, time);
    r.not_active_yet(name);
  }
  r.number("max_fails", number, 0, 1000);
  r.not_active_yet("max_fails");
  r.block("health_check", read_health_check);
  r.not_active_yet("health_check");
  std::string version = "v2";
  r.one_of<SourceMode>("source", o.source,
                       {{"own", SourceMode::own},
                        {"sip", SourceMode::sip},
                        {"transparent", SourceMode::transparent},
                        {"proxy_protocol", SourceMode::proxy_protocol}});
  if (o.source != SourceMode::own && o.source != SourceMode::sip) r.not_active_yet("source");
  read_hop_options(r, o.source, o.hop);
  if (o.upstreams.empty())
    errors.add(node.position, "proxy wants at least one upstream, such as udp/pbx:5060");
  for (const auto& address : o.upstreams) {
    check_upstream(r, address);
    check_hop_upstream(r, o.source, address);
  }
  r.finish();
  return o;
}

}  // namespace sipward::proxy

#include "pool_options.hpp"

namespace sipward::proxy {
namespace {

CheckOptions read_check(config::Reader& r) {
  CheckOptions o;
  r.duration("interval", o.interval);
  r.duration("timeout", o.timeout);
  r.one_of<CheckMethod>("method", o.method,
                        {{"sip_options", CheckMethod::sip_options}, {"tcp", CheckMethod::tcp}});
  r.number("fall", o.fall, 1, 100);
  r.number("rise", o.rise, 1, 100);
  return o;
}

void read_upstream(config::Reader& r, PoolOptions& options) {
  PoolOptions::Member member;
  r.upstream("address", member.address, config::Place::argument);
  r.require("address");
  r.number("weight", member.weight, 1, 1000);
  r.number("max_connections", member.max_connections, 0, 1'000'000);
  if (r.given("address")) options.upstreams.push_back(member);
}

void check_upstream(config::Reader& r, const config::UpstreamAddress& address) {
  const bool stream_layer =
      address.transport && *address.transport != Transport::udp && *address.transport != Transport::tcp;
  if (!address.unix_path.empty() || stream_layer)
    r.errors().not_active(r.node().position, "proxying to " + address.to_string());
}

}  // namespace

PoolOptions read_pool_options(config::Reader& r) {
  PoolOptions o;
  std::vector<config::UpstreamAddress> plain;
  r.upstreams("upstreams", plain, config::Place::argument);
  for (const auto& address : plain) o.upstreams.push_back({address});
  r.blocks("upstream", [&](config::Reader& b) { read_upstream(b, o); });
  r.one_of<Policy>("lb_policy", o.policy,
                   {{"round_robin", Policy::round_robin},
                    {"weighted_round_robin", Policy::weighted_round_robin},
                    {"random", Policy::random},
                    {"least_conn", Policy::least_conn},
                    {"first", Policy::first},
                    {"ip_hash", Policy::ip_hash},
                    {"call_id_hash", Policy::call_id_hash}});
  r.duration("lb_try_duration", o.try_duration);
  r.duration("lb_try_interval", o.try_interval);
  r.duration("fail_duration", o.fail_duration);
  r.number("max_fails", o.max_fails, 1, 1000);
  r.block("health_check", [&](config::Reader& b) { o.check = read_check(b); });
  if (o.upstreams.empty())
    r.errors().add(r.node().position, "proxy wants at least one upstream, such as udp/pbx:5060");
  for (const auto& member : o.upstreams) check_upstream(r, member.address);
  if (r.given("lb_try_interval") && !r.given("lb_try_duration"))
    r.warn("lb_try_interval", "without lb_try_duration no other upstream is tried");
  if (r.given("max_fails") && !r.given("fail_duration"))
    r.warn("max_fails", "without fail_duration no failure is remembered");
  return o;
}

}  // namespace sipward::proxy

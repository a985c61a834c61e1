#include "route_limit.hpp"

#include "sipward/packet.hpp"
#include "sipward/sip/uri.hpp"
#include "sipward/worker.hpp"

namespace sipward::guardian {
namespace {

constexpr std::string_view kResults[] = {"passed", "dropped"};
constexpr std::size_t kTurnedAway = 1;  // repeats of what was dropped have no lane of their own here

}  // namespace

RateLimiter& RouteBuckets::at(const Worker& worker) {
  auto& shard = shards_[worker.index()];
  if (!shard) shard = std::make_unique<RateLimiter>(RateLimiter::kSources, kTurnedAway);
  return *shard;
}

RouteLimit::RouteLimit(const config::Node& node, config::Errors& errors) {
  std::chrono::milliseconds window{std::chrono::seconds(1)};
  std::uint32_t most = 5;
  config::Reader r(node, errors);
  r.duration("window", window, config::Place::argument, std::chrono::milliseconds(10),
             std::chrono::hours(24));
  r.number("max_requests", most, 1U, 1'000'000U, config::Place::argument);
  r.values("methods", "names of SIP methods in capitals, such as INVITE", [&](const config::Arg& arg) {
    const auto method = sip::parse_method(arg.text);
    if (method != sip::Method::other) methods_.set(static_cast<std::size_t>(method));
    return method != sip::Method::other;
  });
  r.finish();
  rate_ = {most, window, most};
}

void RouteLimit::provision(BuildContext& context) {
  buckets_ = context.services.find_or_make<RouteBuckets>(
      "rate_limit/1", [&] { return std::make_shared<RouteBuckets>(context.workers.count()); });
  requests_ = context.metrics.counter("sip_rate_limit_total", "Requests that met a rate_limit, by result.",
                                      "result", kResults);
}

bool RouteLimit::limits(Packet& packet) const {
  if (packet.is_keep_alive()) return false;
  auto& message = packet.sip();
  if (message.kind() != sip::Kind::request) return false;
  const auto method = message.method();
  if (method == sip::Method::ack || method == sip::Method::cancel) return false;
  if (methods_.any() && !methods_.test(static_cast<std::size_t>(method))) return false;
  return !sip::is_emergency(message.uri()) && !packet.transaction();
}

Verdict RouteLimit::on_inbound(Packet& packet) const {
  if (!limits(packet)) return Verdict::next;
  auto& worker = packet.worker();
  const auto& peer = packet.peer();
  // Each handler of each route has buckets of its own, the same ones after a reload.
  const auto place = (std::uint64_t{peer.listener} << 48) ^ (std::uint64_t{peer.route} << 16) ^ peer.handler;
  const Limit limit(rate_);
  const auto source = keyed_hash(worker.sources().key(), source_of(peer.remote.address));
  const auto lane = packet.proof() == Proof::none ? Lane::first : Lane::proven;
  const bool passes = buckets_->at(worker).allow({source ^ (place * 0x9E3779B97F4A7C15ULL), &limit, 4}, {},
                                                 lane, packet.now());
  requests_.add(worker.index(), passes ? 0 : 1);
  return passes ? Verdict::next : Verdict::drop;
}

std::unique_ptr<Handler> make_route_limit(const config::Node& node, CreateContext& context) {
  return std::make_unique<RouteLimit>(node, context.errors);
}

}  // namespace sipward::guardian

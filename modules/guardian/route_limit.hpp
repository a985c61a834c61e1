#pragma once

#include <bitset>
#include <memory>
#include <vector>

#include "rate_limiter.hpp"
#include "sipward/build_context.hpp"
#include "sipward/handler.hpp"
#include "sipward/module.hpp"
#include "sipward/services.hpp"
#include "sipward/sip/header.hpp"

namespace sipward::guardian {

// The buckets of every `rate_limit` handler; outlives reloads. A shard is its worker's.
class RouteBuckets final : public Service {
 public:
  explicit RouteBuckets(std::size_t workers) : shards_(workers) {}
  RateLimiter& at(const Worker& worker);

 private:
  std::vector<std::unique_ptr<RateLimiter>> shards_;
};

// `rate_limit`: so many requests of one source in a window, for the route that it stands in; what is more is
// dropped in silence, and nobody is banned for it. A repeat of a request that passed, ACK, CANCEL and
// emergency calls cost nothing.
class RouteLimit final : public Handler {
 public:
  RouteLimit(const config::Node& node, config::Errors& errors);

  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;

 private:
  bool limits(Packet& packet) const;

  config::Rate rate_{5, std::chrono::seconds(1), 5};
  std::bitset<sip::kMethods> methods_;  // none: all
  std::shared_ptr<RouteBuckets> buckets_;
  Counter requests_;
};

std::unique_ptr<Handler> make_route_limit(const config::Node& node, CreateContext& context);

}  // namespace sipward::guardian

#pragma once

#include <memory>
#include <vector>

#include "hops.hpp"
#include "options.hpp"
#include "shard.hpp"
#include "sipward/handler.hpp"
#include "sipward/upstream_side.hpp"
#include "upstream.hpp"

namespace sipward::proxy {

// Forwards messages to one of its upstreams, and what they answer back: unchanged (`source own`), or as a SIP
// proxy does (`source sip`).
class Proxy final : public Handler, public UpstreamSide {
 public:
  explicit Proxy(Options options) : options_(std::move(options)) {}

  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;
  bool terminal() const override { return true; }
  bool is_upstream(Worker& worker, const Source& source) const override;
  void from_upstream(Packet& packet) const override;

 private:
  const Upstream* choose(Packet& packet, Shard& shard, Endpoint& endpoint) const;

  Verdict hop(Packet& packet) const;

  Options options_;
  std::vector<std::shared_ptr<Upstream>> upstreams_;
  std::shared_ptr<Shards> shards_;
  std::shared_ptr<Hops> hops_;  // with `source sip`
};

}  // namespace sipward::proxy

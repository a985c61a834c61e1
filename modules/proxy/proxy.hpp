#pragma once

#include <memory>

#include "hops.hpp"
#include "options.hpp"
#include "pool.hpp"
#include "shard.hpp"
#include "sipward/handler.hpp"
#include "sipward/upstream_side.hpp"

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
  Verdict hop(Packet& packet) const;

  Options options_;
  std::shared_ptr<const Pool> pool_;
  std::shared_ptr<Shards> shards_;
  std::shared_ptr<Hops> hops_;  // with `source sip`
};

}  // namespace sipward::proxy

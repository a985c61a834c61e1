#pragma once

#include <memory>
#include <vector>

#include "options.hpp"
#include "shard.hpp"
#include "sipward/handler.hpp"
#include "upstream.hpp"

namespace sipward::proxy {

// Forwards messages unchanged to one of its upstreams (`source own`), and what they answer back.
class Proxy final : public Handler {
 public:
  explicit Proxy(Options options) : options_(std::move(options)) {}

  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;
  bool terminal() const override { return true; }

 private:
  const Upstream* choose(Packet& packet, Shard& shard, Endpoint& endpoint) const;

  Options options_;
  std::vector<std::shared_ptr<Upstream>> upstreams_;
  std::shared_ptr<Shards> shards_;
};

}  // namespace sipward::proxy

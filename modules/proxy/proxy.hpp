#pragma once

#include <memory>

#include "options.hpp"
#include "pool.hpp"
#include "shard.hpp"
#include "sipward/handler.hpp"

namespace sipward::proxy {

// Forwards messages unchanged to one of its upstreams (`source own`), and what they answer back.
class Proxy final : public Handler {
 public:
  explicit Proxy(Options options) : options_(std::move(options)) {}

  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;
  bool terminal() const override { return true; }

 private:
  Options options_;
  std::shared_ptr<const Pool> pool_;
  std::shared_ptr<Shards> shards_;
};

}  // namespace sipward::proxy

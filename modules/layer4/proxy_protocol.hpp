#pragma once

#include <vector>

#include "sipward/config.hpp"
#include "sipward/handler.hpp"

namespace sipward::layer4 {

// `proxy_protocol`: connections of these balancers begin with a PROXY header that says whose they are.
// Others pass as they are.
class ProxyProtocol final : public Handler {
 public:
  explicit ProxyProtocol(std::vector<Cidr> allow) : allow_(std::move(allow)) {}

  bool needs_sip() const override { return false; }
  bool is_layer() const override { return true; }
  bool relays(const Source& source) const override;
  std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                   StreamInfo& info) const override;

 private:
  std::vector<Cidr> allow_;
};

std::vector<Cidr> read_proxy_protocol(const config::Node& node, config::Errors& errors);

}  // namespace sipward::layer4

#pragma once

#include <memory>

#include "exchange.hpp"
#include "options.hpp"
#include "sipward/handler.hpp"

namespace sipward::respond {

class Request;

// Handler `respond`: a stand-in for a PBX. Its answers leave by Worker::deliver, through the handlers in
// front of it, so that a guard judges them as it judges an upstream's. It never sends a request. What it
// keeps is in service "respond/1".
class Responder final : public Handler {
 public:
  explicit Responder(Options options) : options_(std::move(options)) {}

  void validate(config::Errors& errors) const override;
  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;
  bool terminal() const override { return true; }

 private:
  void serve(Request& request) const;

  Options options_;
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace sipward::respond

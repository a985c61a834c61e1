#pragma once

#include <array>

#include "sipward/build_context.hpp"
#include "sipward/handler.hpp"
#include "sipward/module.hpp"
#include "validation.hpp"

namespace sipward::guardian {

// `sanity_check`: silently drops requests that break the rules of RFC 3261 and 4475, for routes without a
// `sip_guardian`, or besides one that judges less strictly. Nobody is counted or banned for it. Requests of a
// dialog that was seen pass unjudged; a To tag alone makes no dialog.
class SanityCheck final : public Handler {
 public:
  SanityCheck(const config::Node& node, config::Errors& errors);

  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;

 private:
  validation::Options options_;
  Counter passed_, dropped_;
};

std::unique_ptr<Handler> make_sanity_check(const config::Node& node, CreateContext& context);

}  // namespace sipward::guardian

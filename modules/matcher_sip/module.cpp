#include "sipward/module.hpp"

#include "matcher.hpp"

namespace sipward::matcher_sip {
namespace {

std::unique_ptr<Matcher> create(const config::Node& node, CreateContext& context) {
  return std::make_unique<SipMatcher>(read_options(node, context.errors));
}

constexpr MatcherFactory kMatchers[] = {{"sip", create}};

}  // namespace
}  // namespace sipward::matcher_sip

SIPWARD_MODULE("matcher_sip", SIPWARD_VERSION, sipward::matcher_sip::kMatchers);

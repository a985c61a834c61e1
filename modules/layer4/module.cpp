#include "sipward/module.hpp"

#include "address_matcher.hpp"
#include "clock_matcher.hpp"
#include "regexp_matcher.hpp"

namespace sipward::layer4 {
namespace {

template <Side side>
std::unique_ptr<Matcher> create_address(const config::Node& node, CreateContext& context) {
  return std::make_unique<AddressMatcher>(side, read_networks(node, context.errors));
}

std::unique_ptr<Matcher> create_regexp(const config::Node& node, CreateContext& context) {
  return std::make_unique<RegexpMatcher>(read_regexp(node, context.errors));
}

std::unique_ptr<Matcher> create_clock(const config::Node& node, CreateContext& context) {
  return std::make_unique<ClockMatcher>(read_clock(node, context.errors));
}

constexpr MatcherFactory kMatchers[] = {{"remote_ip", create_address<Side::remote>},
                                        {"local_ip", create_address<Side::local>},
                                        {"regexp", create_regexp},
                                        {"clock", create_clock}};

}  // namespace
}  // namespace sipward::layer4

SIPWARD_MODULE("layer4", SIPWARD_VERSION, sipward::layer4::kMatchers);

#include "sipward/module.hpp"

#include "geo_matchers.hpp"
#include "guardian.hpp"
#include "route_limit.hpp"
#include "sanity_check.hpp"

namespace {
constexpr sipward::HandlerFactory kHandlers[] = {{"sip_guardian", &sipward::guardian::make_guardian},
                                                 {"rate_limit", &sipward::guardian::make_route_limit},
                                                 {"sanity_check", &sipward::guardian::make_sanity_check}};
constexpr sipward::MatcherFactory kMatchers[] = {{"country", &sipward::guardian::make_country_matcher},
                                                 {"asn", &sipward::guardian::make_asn_matcher}};
}  // namespace

SIPWARD_MODULE("guardian", "0.1.0", kHandlers, kMatchers);

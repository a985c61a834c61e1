#include "geo_matchers.hpp"

#include "sipward/byte_stream.hpp"
#include "sipward/packet.hpp"
#include "sipward/worker.hpp"

namespace sipward::guardian {

GeoPaths& geo_paths(BuildScope& scope) {
  return scope.get<GeoPaths>("sip_guardian/geo_paths");
}

GeoMatcher::GeoMatcher(What what, const config::Node& node, config::Errors& errors) : what_(what) {
  config::Reader r(node, errors);
  if (what == What::country) {
    read_places(r, "places", options_.blocked, config::Place::argument);
    r.require("places");
    r.text("geoip_db", options_.countries);
  } else {
    read_numbers(r, "numbers", options_.blocked_networks, config::Place::argument);
    r.require("numbers");
    r.text("asn_db", options_.networks);
  }
  r.flag("geoip_required", options_.required);
  r.finish();
}

void GeoMatcher::provision(BuildContext& context) {
  auto& path = what_ == What::country ? options_.countries : options_.networks;
  const auto& known = geo_paths(context.scope);
  if (path.empty()) path = what_ == What::country ? known.countries : known.networks;
  if (path.empty())
    throw config::ConfigError(what_ == What::country
                                  ? "country wants a database: geoip_db here, or in a sip_guardian"
                                  : "asn wants a database: asn_db here, or in a sip_guardian");
  geoip_ = Geoip::make(options_, context);
}

Match GeoMatcher::match(Packet& packet) const {
  return geoip_->refuses(packet.worker().index(), packet.peer().remote.address) ? Match::yes : Match::no;
}

Match GeoMatcher::match_start(const StreamStart& start) const {
  return geoip_->refuses(start.info.source.remote.address) ? Match::yes : Match::no;
}

std::unique_ptr<Matcher> make_country_matcher(const config::Node& node, CreateContext& context) {
  return std::make_unique<GeoMatcher>(GeoMatcher::What::country, node, context.errors);
}

std::unique_ptr<Matcher> make_asn_matcher(const config::Node& node, CreateContext& context) {
  return std::make_unique<GeoMatcher>(GeoMatcher::What::network, node, context.errors);
}

}  // namespace sipward::guardian

#pragma once

#include <memory>

#include "geoip.hpp"
#include "sipward/handler.hpp"
#include "sipward/module.hpp"

namespace sipward::guardian {

// The databases that the guardians of one configuration use; matchers use the same where they name none.
struct GeoPaths {
  std::string countries, networks;
};
GeoPaths& geo_paths(BuildScope& scope);

// `country` and `asn`: takes what comes from one of these countries, continents or networks. What is not
// known of an address is none of them; so is every address while a database is missing.
class GeoMatcher final : public Matcher {
 public:
  enum class What : std::uint8_t { country, network };
  GeoMatcher(What what, const config::Node& node, config::Errors& errors);

  void provision(BuildContext& context) override;
  Match match(Packet& packet) const override;
  Match match_start(const StreamStart& start) const override;

 private:
  What what_;
  GeoipOptions options_;
  std::unique_ptr<Geoip> geoip_;
};

std::unique_ptr<Matcher> make_country_matcher(const config::Node& node, CreateContext& context);
std::unique_ptr<Matcher> make_asn_matcher(const config::Node& node, CreateContext& context);

}  // namespace sipward::guardian

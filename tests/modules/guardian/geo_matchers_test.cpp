#include <catch2/catch.hpp>

#include "sipward/testing/chain.hpp"

using namespace sipward;
using test::Chain;
using test::Fate;
using test::SipText;

namespace {

const std::string kData = std::string(SIPWARD_TEST_DIR) + "/data/geoip/";
const std::string kCountries = kData + "GeoIP2-Country-Test.mmdb";
const std::string kNetworks = kData + "GeoLite2-ASN-Test.mmdb";
constexpr const char* kBritain = "2.125.160.216:5060";
constexpr const char* kAmerica = "216.160.83.56:5060";
constexpr const char* kTelstra = "1.128.0.1:5060";

Fate fate(Chain& chain, const char* from) {
  return chain.from_client(SipText().request(), Chain::client(from)).fate;
}

}  // namespace

TEST_CASE("country takes what comes from a country or a continent") {
  Chain britain({.handlers = "", .match = "country GB { geoip_db " + kCountries + " }"});
  CHECK(fate(britain, kBritain) == Fate::forwarded);
  CHECK(fate(britain, kAmerica) == Fate::unmatched);
  CHECK(fate(britain, "192.0.2.1:5060") == Fate::unmatched);  // nobody knows where that is
  Chain europe({.handlers = "", .match = "country EU US { geoip_db " + kCountries + " }"});
  CHECK(fate(europe, kBritain) == Fate::forwarded);
  CHECK(fate(europe, kAmerica) == Fate::forwarded);
}

TEST_CASE("asn takes what comes from a network") {
  Chain chain({.handlers = "", .match = "asn AS1221 { asn_db " + kNetworks + " }"});
  CHECK(fate(chain, kTelstra) == Fate::forwarded);
  CHECK(fate(chain, kAmerica) == Fate::unmatched);
}

TEST_CASE("without a database of its own a matcher uses the guardian's") {
  Chain chain({.handlers = "sip_guardian { geoip_db " + kCountries + " }", .match = "country GB"});
  CHECK(fate(chain, kBritain) == Fate::forwarded);
  CHECK(fate(chain, kAmerica) == Fate::unmatched);
  CHECK_THROWS_WITH(Chain({.handlers = "", .match = "country GB"}), Catch::Matchers::Contains("geoip_db"));
  CHECK_THROWS_WITH(Chain({.handlers = "", .match = "asn 1"}), Catch::Matchers::Contains("asn_db"));
}

TEST_CASE("a database that is not there matches nobody, or is an error where it is required") {
  Chain chain({.handlers = "", .match = "country GB { geoip_db /nonexistent.mmdb }"});
  CHECK(fate(chain, kBritain) == Fate::unmatched);
  CHECK_THROWS(
      Chain({.handlers = "", .match = "country GB { geoip_db /nonexistent.mmdb\n geoip_required\n}"}));
}

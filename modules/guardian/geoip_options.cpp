#include "geoip_options.hpp"

#include <algorithm>
#include <string_view>

#include "countries.hpp"

namespace sipward::guardian {
namespace {

using config::Reader;

constexpr std::string_view kContinent = "continent:";

void warn_of_doubt(Reader& r, std::string_view list, const std::string& code) {
  const std::string continent = std::string(kContinent) + code;
  if (const auto country = namesake(code); !country.empty()) {
    r.warn(list, code + " is the country " + std::string(country) + "; " + std::string(continent_name(code)) +
                     " is " + continent);
  } else if (const auto name = continent_name(code); !name.empty()) {
    r.warn(list, code + " is no country; " + std::string(name) + " is " + continent);
  } else if (code == "UK") {
    r.warn(list, "UK is no country in any database; the United Kingdom is GB");
  } else {
    r.warn(list, code + " is no country that ISO 3166 knows");
  }
}

}  // namespace

void read_places(Reader& r, std::string_view list, std::vector<std::string>& out, config::Place where) {
  r.values(
      list, "ISO codes of countries such as CN, or continents such as continent:EU",
      [&](const config::Arg& arg) {
        if (std::string_view(arg.text).starts_with(kContinent)) {
          if (continent_name(arg.text.substr(kContinent.size())).empty()) return false;
          out.push_back(arg.text);
          return true;
        }
        if (code_of(arg.text) == kNoCode) return false;
        if (arg.text == "EU") {
          out.push_back(std::string(kContinent) + arg.text);
          return true;
        }
        if (!is_country(arg.text) || !namesake(arg.text).empty()) warn_of_doubt(r, list, arg.text);
        out.push_back(arg.text);
        return true;
      },
      where);
}

void read_numbers(Reader& r, std::string_view list, std::vector<std::uint32_t>& out, config::Place where) {
  r.values(
      list, "numbers of autonomous systems such as AS1221",
      [&](const config::Arg& arg) {
        std::string_view text = arg.text;
        if (text.substr(0, 2) == "AS") text.remove_prefix(2);
        const auto number = config::parse_number(text);
        if (!number || *number < 0 || *number > 0xFFFFFFFFLL) return false;
        out.push_back(static_cast<std::uint32_t>(*number));
        return true;
      },
      where);
}

void read_geoip(Reader& r, GeoipOptions& o) {
  r.text("geoip_db", o.countries);
  r.text("asn_db", o.networks);
  r.flag("geoip_required", o.required);
  read_places(r, "blocked_countries", o.blocked);
  read_places(r, "allowed_countries", o.allowed);
  read_numbers(r, "blocked_asns", o.blocked_networks);
  for (const std::string_view list : {"blocked_countries", "allowed_countries"}) {
    if (r.given(list) && o.countries.empty())
      r.warn(list, std::string(list) + " refuses nobody without geoip_db");
  }
  if (r.given("blocked_asns") && o.networks.empty()) {
    r.warn("blocked_asns", "blocked_asns refuses nobody without asn_db");
  }
  for (const auto& place : o.blocked) {
    if (r.given("allowed_countries") &&
        std::find(o.allowed.begin(), o.allowed.end(), place) != o.allowed.end()) {
      r.warn("allowed_countries", place + " is blocked, too, and that counts");
    }
  }
}

}  // namespace sipward::guardian

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/config.hpp"

namespace sipward::guardian {

// Which countries, continents and networks are refused. Two letters are a country, `continent:XX` is a
// continent, and so is EU alone, which is no country.
struct GeoipOptions {
  std::string countries;  // the databases' files; empty: none
  std::string networks;
  bool required = false;
  std::vector<std::string> blocked;  // CN, continent:EU
  std::vector<std::string> allowed;
  std::vector<std::uint32_t> blocked_networks;

  bool blocks() const { return !blocked.empty() || !allowed.empty() || !blocked_networks.empty(); }
};

// Lists of places and of numbers, wherever they stand.
void read_places(config::Reader& reader, std::string_view name, std::vector<std::string>& out,
                 config::Place place = config::Place::option);
void read_numbers(config::Reader& reader, std::string_view name, std::vector<std::uint32_t>& out,
                  config::Place place = config::Place::option);

// Reads them, and warns of codes that may mean something else than was meant.
void read_geoip(config::Reader& reader, GeoipOptions& options);

}  // namespace sipward::guardian

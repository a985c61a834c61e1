#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "geo_files.hpp"
#include "geoip_options.hpp"
#include "sipward/build_context.hpp"

namespace sipward::guardian {

// The lists of one configuration. Immutable.
class GeoRules {
 public:
  explicit GeoRules(const GeoipOptions& options);

  // Why whoever is there is refused, as an index into labels(); nullopt when he is not. What is not known of
  // an address refuses nobody.
  std::optional<std::uint16_t> refuses(const Place& place) const;
  // Values of the label `country`: the countries, "asn", "other".
  static std::span<const std::string_view> labels();

 private:
  Codes blocked_, blocked_continents_, allowed_, allowed_continents_;
  std::vector<std::uint32_t> networks_;  // sorted
};

// Refuses addresses by country, continent and network. Made on the control thread; each worker asks with its
// own index, and gets the answer of an address that it asked about lately by one probe of a table. Neither
// allocates nor locks, but for the moment when a database was replaced.
class Geoip {
 public:
  // nullptr when nothing is to be refused. Throws ConfigError when a file can't be read and is required.
  static std::unique_ptr<Geoip> make(const GeoipOptions& options, BuildContext& context);

  std::optional<std::uint16_t> refuses(std::size_t worker, const Address& address);
  // The same from any thread, more slowly and remembering nothing.
  bool refuses(const Address& address) const;

 private:
  static constexpr std::size_t kRemembered = 8'192;  // answers, for each worker
  static constexpr std::uint16_t kWelcome = 0xFFFF;

  struct Answer {
    Address address;
    std::uint32_t generation = 0;  // of the databases; 0: free
    std::uint16_t label = kWelcome;
  };
  struct alignas(64) Part {
    std::vector<Published<GeoDatabase>::Reader> readers;
    std::vector<const GeoDatabase*> databases;  // that the answers come from
    std::vector<Answer> answers = std::vector<Answer>(kRemembered);
    std::uint32_t generation = 1;
  };

  Geoip(const GeoipOptions& options, BuildContext& context);
  static void refresh(Part& part);

  GeoRules rules_;
  HashKey key_ = HashKey::random();
  std::shared_ptr<GeoFiles> watch_;
  std::vector<std::shared_ptr<GeoFile>> files_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace sipward::guardian

#include "geoip.hpp"

#include <algorithm>
#include <string>

namespace sipward::guardian {
namespace {

constexpr std::string_view kContinent = "continent:";

void take(const std::vector<std::string>& places, Codes& countries, Codes& continents) {
  for (const std::string_view place : places) {
    if (place.starts_with(kContinent))
      continents.add(code_of(place.substr(kContinent.size())));
    else
      countries.add(code_of(place));
  }
}

std::vector<std::string_view> all_labels() {
  std::vector<std::string_view> labels(countries().begin(), countries().end());
  labels.insert(labels.end(), {"asn", "other"});
  return labels;
}

std::uint16_t label_of(Code country) {
  const auto all = countries();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](std::string_view text) { return code_of(text) == country; });
  const auto index = static_cast<std::uint16_t>(found - all.begin());
  return found == all.end() ? static_cast<std::uint16_t>(index + 1) : index;  // "other" stands behind "asn"
}

}  // namespace

GeoRules::GeoRules(const GeoipOptions& options) : networks_(options.blocked_networks) {
  take(options.blocked, blocked_, blocked_continents_);
  take(options.allowed, allowed_, allowed_continents_);
  std::sort(networks_.begin(), networks_.end());
}

std::span<const std::string_view> GeoRules::labels() {
  static const std::vector<std::string_view> labels = all_labels();
  return labels;
}

std::optional<std::uint16_t> GeoRules::refuses(const Place& place) const {
  if (blocked_.contains(place.country) || blocked_continents_.contains(place.continent))
    return label_of(place.country);
  if (place.network != 0 && std::binary_search(networks_.begin(), networks_.end(), place.network)) {
    return static_cast<std::uint16_t>(countries().size());
  }
  const bool restricted = !allowed_.empty() || !allowed_continents_.empty();
  if (!restricted || place.country == kNoCode) return std::nullopt;
  if (allowed_.contains(place.country) || allowed_continents_.contains(place.continent)) return std::nullopt;
  return label_of(place.country);
}

std::unique_ptr<Geoip> Geoip::make(const GeoipOptions& options, BuildContext& context) {
  if (options.countries.empty() && options.networks.empty()) return nullptr;
  return std::unique_ptr<Geoip>(new Geoip(options, context));
}

Geoip::Geoip(const GeoipOptions& options, BuildContext& context)
    : rules_(options), watch_(GeoFiles::get(context)) {
  for (const auto* path : {&options.countries, &options.networks}) {
    if (path->empty()) continue;
    std::string why;
    files_.push_back(watch_->open(*path, why));
    if (!why.empty() && options.required) {
      throw config::ConfigError("geoip_required: the database " + config::quote(*path) +
                                " can't be read: " + why);
    }
  }
  if (!options.blocks()) return;
  for (std::size_t i = 0; i < context.workers.count(); ++i) {
    auto part = std::make_unique<Part>();
    for (const auto& file : files_) part->readers.emplace_back(file->database());
    part->databases.resize(files_.size());
    parts_.push_back(std::move(part));
  }
}

// Another database, other answers.
void Geoip::refresh(Part& part) {
  bool changed = false;
  for (std::size_t i = 0; i < part.readers.size(); ++i) {
    const auto* now = part.readers[i].get().get();
    changed = changed || now != part.databases[i];
    part.databases[i] = now;
  }
  if (!changed) return;
  if (++part.generation == 0) {
    std::fill(part.answers.begin(), part.answers.end(), Answer{});
    part.generation = 1;
  }
}

std::optional<std::uint16_t> Geoip::refuses(std::size_t worker, const Address& address) {
  if (parts_.empty()) return std::nullopt;
  auto& part = *parts_[worker];
  refresh(part);
  auto& answer = part.answers[keyed_hash(key_, address) % kRemembered];
  if (answer.generation != part.generation || answer.address != address) {
    Place place;
    for (const auto* database : part.databases)
      if (database) database->look_up(address, place);
    answer = {address, part.generation, rules_.refuses(place).value_or(kWelcome)};
  }
  if (answer.label == kWelcome) return std::nullopt;
  return answer.label;
}

bool Geoip::refuses(const Address& address) const {
  Place place;
  for (const auto& file : files_)
    if (const auto database = file->database().snapshot()) database->look_up(address, place);
  return rules_.refuses(place).has_value();
}

}  // namespace sipward::guardian

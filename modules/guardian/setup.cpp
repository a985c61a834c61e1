#include <algorithm>
#include <utility>

#include "guardian.hpp"

namespace sipward::guardian {
namespace {

// Sets the addresses of a name aside under a key of its own, so that an old configuration that ends does not
// take away what a new one with the same name found.
std::string whitelist_key(const std::string& name, const void* setup) {
  return name + '\n' + std::to_string(reinterpret_cast<std::uintptr_t>(setup));
}

auto limits_of(const Options& options) {
  std::array<std::optional<Limit>, sip::kMethods + 1> limits;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    if (options.rates[i]) limits[i].emplace(*options.rates[i]);
  }
  return limits;
}

}  // namespace

Setup::Setup(std::shared_ptr<const SharedOptions> shared, BuildContext& context)
    : options(shared->options),
      checks(options),
      rates(limits_of(options)),
      whitelist(options.whitelist),
      instance(context.services.find_or_make<Instance>(
          "sip_guardian/" + options.name, [&] { return std::make_shared<Instance>(options.name, context); })),
      geoip(Geoip::make(options.geoip, context)),
      shared_(std::move(shared)) {
  if (options.metrics) {
    metrics = GuardianMetrics::declare(context.metrics, Checks::rules());
    context.metrics.gauge("sip_guardian_active_bans", "Bans in force.", instance,
                          [i = std::weak_ptr(instance)] {
                            const auto live = i.lock();
                            return live ? static_cast<double>(live->store().size()) : 0.0;
                          });
    context.metrics.gauge("sip_guardian_enumeration_tracked_ips", "Sources watched for enumeration.",
                          instance, [] { return 0.0; });
  }
  watch_names(context);
}

void Setup::watch_names(BuildContext& context) {
  auto names = options.whitelist_names;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const auto& name : names) {
    watched_.push_back(whitelist_key(name, this));
    watches_.push_back(instance->whitelist_name(watched_.back(), name));
  }
  watches_.push_back(context.protected_addresses.watch([weak = std::weak_ptr(instance)] {
    if (const auto live = weak.lock()) live->lift_protected();
  }));
}

Setup::~Setup() {
  watches_.clear();  // first, so that none of them adds again
  for (const auto& key : watched_) instance->unwhitelist(key);
}

}  // namespace sipward::guardian

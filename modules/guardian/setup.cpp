#include <algorithm>
#include <utility>

#include "guardian.hpp"
#include "persistence.hpp"

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

// Sources are spread over the workers evenly.
config::Rate share_of(config::Rate rate, std::size_t workers) {
  const auto n = static_cast<std::uint32_t>(std::max<std::size_t>(workers, 1));
  rate.per *= n;
  rate.burst = std::max(rate.burst / n, 1U);
  return rate;
}

}  // namespace

Setup::Setup(std::shared_ptr<const SharedOptions> shared, BuildContext& context)
    : options(shared->options),
      checks(options),
      rates(limits_of(options)),
      strangers(share_of(options.strangers, context.workers.count())),
      whitelist(options.whitelist),
      instance(context.services.find_or_make<Instance>(
          "sip_guardian/" + options.name, [&] { return std::make_shared<Instance>(options.name, context); })),
      enumeration(options.enumeration),
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
                          instance, [i = std::weak_ptr(instance)] {
                            const auto live = i.lock();
                            return live ? static_cast<double>(live->tracked()) : 0.0;
                          });
  }
  for (const auto& user : options.enumeration.exempt) {
    exempt_.push_back(extension_of(user, instance->key()).key);
  }
  std::sort(exempt_.begin(), exempt_.end());
  kept_ = keep_decisions(options, instance, context);
  for (const auto& receiver : options.webhooks) {
    webhooks_.push_back(
        Webhook::find_or_make(context, options.name, instance->events(), receiver, options.metrics));
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

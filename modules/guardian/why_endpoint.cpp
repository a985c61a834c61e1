#include "endpoint_parts.hpp"
#include "why.hpp"

namespace sipward::guardian {
namespace {

// The entry of a whitelist under which the address stands.
std::string whitelist_entry(const Setup& setup, const Address& address) {
  for (const auto& network : setup.options.whitelist) {
    if (network.contains(address)) return network.to_string() + " of the Sipfile";
  }
  for (const auto& [entry, networks] : setup.instance->whitelisted()) {
    const bool holds = std::any_of(networks.begin(), networks.end(),
                                   [&](const Cidr& network) { return network.contains(address); });
    if (holds) return entry.substr(0, entry.find('\n'));
  }
  return {};
}

// What the worker of the address counts, on its thread.
void add_counts(Why& why, Shard& shard, std::uint64_t key, Time now) {
  why.failures = shard.failures.count(key, why.find_time, now);
  why.strikes = shard.soft_blocks.count(key, why.find_time, now);
  if (why.failures != 0) why.signals = shard.failures.signals(key, now);
  if (why.strikes == 0) return;
  const auto strikes = shard.soft_blocks.signals(key, now);
  why.signals.insert(why.signals.end(), strikes.begin(), strikes.end());
  std::sort(why.signals.begin(), why.signals.end(),
            [](const Signal& a, const Signal& b) { return a.at < b.at; });
}

}  // namespace

void show_why(const Setup& setup, const Captures& captures, HttpResponse& response) {
  const auto address = Address::parse(captures.at(0));
  if (!address) return fail(response, 400, "'" + captures[0].substr(0, 64) + "' is no address");
  setup.lift_whitelisted();
  auto& instance = *setup.instance;
  auto why = std::make_shared<Why>();
  why->address = *address;
  why->whitelisted = whitelist_entry(setup, *address);
  why->protected_ = instance.protected_addresses().why(*address);
  why->bans = instance.store().covering(*address);
  why->soft_block = instance.store().soft_block(*address);
  why->max_failures = setup.options.max_failures;
  why->find_time = setup.options.find_time;
  response.later = [why, weak = std::weak_ptr(setup.instance),
                    &clock = instance.clock()](std::function<void(HttpResponse)> done) {
    const auto live = weak.lock();
    if (!live) return done(HttpResponse::error(503, "the guardian is gone"));
    const auto key = keyed_hash(live->key(), source_of(why->address));
    live->ask_owner(why->address, [why, key, &clock, done = std::move(done)](Shard& shard, Time now) {
      add_counts(*why, shard, key, now);
      HttpResponse made;
      answer(made, 200, to_json(*why, clock));
      done(std::move(made));
    });
  };
}

}  // namespace sipward::guardian

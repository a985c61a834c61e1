#include "instance.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "options.hpp"

namespace sipward::guardian {
namespace {

Cidr network_of(const Endpoint& endpoint) {
  return {endpoint.address, endpoint.address.is_v4() ? 32U : 128U};
}
Cidr network_of(const ServiceTarget& target) {
  return network_of(target.endpoint);
}

// Of places for all workers together those of one; never more than its share.
std::size_t share(std::size_t places, std::size_t workers) {
  return std::bit_floor(std::max<std::size_t>(places / workers, 64));
}

}  // namespace

Shard::Shard(const HashKey& key, std::shared_ptr<const BanTable> table, const Published<Whitelist>& added,
             std::size_t workers)
    : bans(std::move(table)),
      open_invites(kOpenInvites),
      refused_invites(kRefusedInvites),
      asking(share(kAsking, workers)),
      unresolved(key, share(Unresolved::kSources, workers), share(Unresolved::kUsers, workers)),
      challenges(share(OpenChallenges::kPlaces, workers)),
      failed_auth(kFailedAuth, kFailedAuth),
      floods(kFloods),
      whitelist(added) {}

Instance::Instance(std::string name, BuildContext& context)
    : name_(std::move(name)),
      clock_(context.clock),
      log_(context.log),
      workers_(context.workers),
      protected_(context.protected_addresses),
      resolver_(context.resolver),
      state_(std::make_shared<State>()),
      store_(context.clock, BanStore::Limits(), state_->key),
      events_(context.clock),
      feed_(std::make_shared<EventFeed>(name_, events_)),
      background_([this] { end_expired(); }) {
  events_.subscribe(feed_);
  for (std::size_t i = 0; i < workers_.count(); ++i) {
    state_->shards.push_back(
        std::make_unique<Shard>(state_->key, store_.table(), state_->whitelist, workers_.count()));
  }
}

Instance::~Instance() = default;

void Instance::start() {
  end_expired();
  background_.start();
}

void Instance::stop(Time) {
  background_.stop();
}

void Instance::end_expired() {
  for (const auto& ban : store_.take_ended(kEndsATime))
    events_.publish(event_of(EventKind::unban, ban, "expiry"));
}

// What had to make room for others is not in force any more.
void Instance::give_way(const std::vector<BanPtr>& out) {
  for (const auto& ban : out) events_.publish(event_of(EventKind::unban, ban, "limit"));
}

void Instance::add_keeper(std::weak_ptr<BanKeeper> keeper) {
  keepers_.with([&](auto& keepers) {
    std::erase_if(keepers, [](const auto& one) { return one.expired(); });
    keepers.push_back(std::move(keeper));
  });
}

std::vector<std::shared_ptr<BanKeeper>> Instance::keepers() {
  std::vector<std::shared_ptr<BanKeeper>> live;
  keepers_.with([&](const auto& keepers) {
    for (const auto& weak : keepers) {
      if (auto keeper = weak.lock()) live.push_back(std::move(keeper));
    }
  });
  return live;
}

bool Instance::settle() {
  bool settled = true;
  for (const auto& keeper : keepers()) settled = keeper->settle(kSettle) && settled;
  std::uint64_t suppressed = 0;
  if (!settled && settle_limit_.allow(clock_.now(), suppressed)) {
    log_.warn("sip_guardian", "what was decided by hand holds, but is not stored yet",
              {{"guardian", name_}, {"suppressed", std::to_string(suppressed)}});
  }
  return settled;
}

void Instance::close_streams(const Ban& ban) {
  if (!covers_whole_addresses(ban)) return;
  workers_.post_all([prefix = ban.prefix](Worker& worker) { worker.close_source(prefix); });
}

void Instance::log_ban(const Ban& ban) {
  std::uint64_t suppressed = 0;
  if (!log_.enabled(LogLevel::info) || !log_limit_.allow(clock_.now(), suppressed)) return;
  log_.info("sip_guardian", "banned",
            {{"guardian", name_},
             {"ip", ban.prefix.to_string()},
             {"scope", to_string(ban.scope)},
             {"reason", ban.reason},
             {"source", ban.source},
             {"evidence", to_string(ban.evidence)},
             {"suppressed", std::to_string(suppressed)}});
}

// A ban is in the store now: what all that are made while running cause beyond that.
void Instance::announce(const BanStore::Added& added) {
  close_streams(*added.ban);
  log_ban(*added.ban);
  give_way(added.out);
  events_.publish(event_of(EventKind::ban, added.ban, added.ban->source));
}

BanResult Instance::ban(Worker& worker, std::unique_ptr<Ban> ban, const Options& options,
                        std::chrono::milliseconds time) {
  if (!protected_.why(ban->prefix).empty()) return BanResult::protected_;
  const Ban target(ban->scope, ban->prefix, ban->port, ban->user);
  const auto added = store_.add(std::move(ban), time, options.escalation_factor, options.escalation_max);
  if (!added.ban) {
    shard(worker.index()).bans.ban_here(target, worker.now() + kLocalBan, worker.now());
    return BanResult::local;
  }
  announce(added);
  return BanResult::banned;
}

BanPtr Instance::ban_by_hand(std::unique_ptr<Ban> ban, std::chrono::milliseconds time) {
  const auto added = store_.add(std::move(ban), time);
  if (!added.ban) return nullptr;
  announce(added);
  return added.ban;
}

bool Instance::unban(const Cidr& prefix, std::string_view source) {
  bool lifted = false;
  for (const auto& record : store_.soft_blocks()) lifted = lifted || prefix.contains(record.address);
  for (const auto& ban : store_.remove(prefix)) {
    lifted = true;
    events_.publish(event_of(EventKind::unban, ban, source));
  }
  for (const auto& keeper : keepers()) keeper->forget(prefix);
  state_->neighbourhoods.forget(neighbourhood_of(prefix.base));
  workers_.post_all([state = state_, prefix](Worker& worker) {
    auto& shard = *state->shards[worker.index()];
    shard.bans.forget(prefix);
    shard.soft_blocks.forget(prefix);
    shard.failures.forget(prefix);
    shard.failed_auth.forget(prefix);
    shard.unresolved.forget(prefix);
    shard.validation.offenders.forget(prefix);
  });
  return lifted;
}

std::uint64_t Instance::lift_whitelisted(const Whitelist& whitelist, std::uint64_t after) {
  if (whitelist.empty()) return after;
  std::vector<Cidr> lifted;
  store_.for_each(after, [&](const BanPtr& ban) {
    after = ban->id;
    // A wide ban stays for whom it also names; whoever is whitelisted is not asked about bans anyway.
    const bool host = ban->prefix.bits >= (ban->prefix.base.is_v4() ? 32U : 64U);
    if (host && whitelist.touches(ban->prefix)) lifted.push_back(ban->prefix);
  });
  for (const auto& prefix : lifted) unban(prefix, "whitelist");
  return after;
}

void Instance::lift_protected() {
  std::vector<Cidr> lifted;
  store_.for_each(0, [&](const BanPtr& ban) {
    if (!protected_.why(ban->prefix).empty()) lifted.push_back(ban->prefix);
  });
  for (const auto& prefix : lifted) unban(prefix, "protected");
}

void Instance::publish_whitelist() {
  std::vector<Cidr> all;
  added_.with([&](const auto& entries) {
    for (const auto& [entry, networks] : entries) all.insert(all.end(), networks.begin(), networks.end());
  });
  auto next = std::make_shared<const Whitelist>(all);
  state_->whitelist.publish(next);
  lift_whitelisted(*next);
}

void Instance::whitelist(const std::string& entry, std::vector<Cidr> networks) {
  added_.with([&](auto& entries) { entries[entry] = std::move(networks); });
  publish_whitelist();
}

// What came off the list while it was being resolved stays off.
template <class Answer>
std::function<void(Answer)> Instance::whitelister(const std::string& entry) {
  return [weak = weak_from_this(), entry](const Answer& found) {
    const auto live = weak.lock();
    if (!live) return;
    std::vector<Cidr> networks;
    networks.reserve(found.size());
    for (const auto& each : found) networks.push_back(network_of(each));
    std::sort(networks.begin(), networks.end());
    networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
    const bool listed = live->added_.with([&](auto& entries) {
      const auto have = entries.find(entry);
      if (have == entries.end()) return false;
      have->second = std::move(networks);
      return true;
    });
    if (listed) live->publish_whitelist();
  };
}

std::shared_ptr<void> Instance::whitelist_name(const std::string& entry, const std::string& name) {
  whitelist(entry, {});
  if (name.front() == '_') {
    return resolver_.watch_service(name, whitelister<std::vector<ServiceTarget>>(entry));
  }
  return resolver_.watch(name, 5060, whitelister<std::vector<Endpoint>>(entry));
}

bool Instance::whitelist_name_by_hand(const std::string& name) {
  const bool room = names_by_hand_.with([&](auto& names) {
    if (names.size() >= kNamesByHand && !names.contains(name)) return false;
    names.try_emplace(name);
    return true;
  });
  if (!room) return false;
  auto handle = whitelist_name(name, name);
  names_by_hand_.with([&](auto& names) { std::swap(names[name], handle); });
  return true;  // an older handle ends here, outside the lock
}

bool Instance::unwhitelist(const std::string& entry) {
  std::shared_ptr<void> handle;
  names_by_hand_.with([&](auto& names) {
    const auto have = names.find(entry);
    if (have == names.end()) return;
    handle = std::move(have->second);
    names.erase(have);
  });
  const bool had = added_.with([&](auto& entries) { return entries.erase(entry) != 0; });
  if (had) publish_whitelist();
  return had;
}

std::map<std::string, std::vector<Cidr>> Instance::whitelisted() const {
  return added_.with([](const auto& entries) { return entries; });
}

std::uint64_t Instance::total(Tally::Field field) const {
  std::uint64_t sum = 0;
  for (const auto& shard : state_->shards) sum += shard->tally.get(field);
  return sum;
}

std::size_t Instance::tracked() const {
  std::size_t sum = 0;
  for (const auto& shard : state_->shards) sum += shard->unresolved.tracked();
  return sum;
}

void Instance::ask_owner(const Address& address, std::function<void(Shard&, Time)> look) {
  workers_.post(workers_.owner(address), [state = state_, look = std::move(look)](Worker& worker) {
    look(*state->shards[worker.index()], worker.now());
  });
}

void Instance::ask_all(std::function<void(Shard&)> look, std::function<void()> done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers_.count());
  workers_.post_all([state = state_, look = std::move(look), done = std::move(done), left](Worker& worker) {
    look(*state->shards[worker.index()]);
    if (left->fetch_sub(1) == 1) done();
  });
}

}  // namespace sipward::guardian

#include "sanctions.hpp"

#include "excerpt.hpp"

namespace sipward::guardian {
namespace {

constexpr auto kExemptFor = std::chrono::seconds(60);
// An address with other registrations behind it is banned whole only by more than one angry phone: so many
// times max_failures, or so many users.
constexpr std::uint32_t kWholeFailures = 4;

}  // namespace

Signal Sanctions::signal(const Peer& peer, const Charge& charge) const {
  return {worker_.now(),
          charge.reason,
          charge.method,
          static_cast<std::uint16_t>(charge.status),
          1,
          charge.proof,
          peer.transport,
          ShortText(charge.user_text)};
}

SoftBlocks::Limits Sanctions::limits(const Charge& charge) const {
  return {charge.conclusive ? 1 : options_.max_failures, options_.find_time, options_.soft_block,
          options_.soft_block_max};
}

void Sanctions::accuse(const Peer& peer, const Charge& charge) {
  if (charge.shadow) return decided(Action::would_ban, charge.reason);
  if (charge.proof != Proof::none || options_.evidence == EvidencePolicy::any) {
    count(peer, charge);
  } else {
    strike(peer, charge);
  }
}

void Sanctions::accuse(const Peer& peer, const Charge& charge, const Cidr& network) {
  if (charge.shadow) return decided(Action::would_ban, charge.reason);
  ban(peer, charge, Scope::network, &network);
}

void Sanctions::strike(const Peer& peer, const Charge& charge) {
  const Time now = worker_.now();
  auto& sources = worker_.sources();
  // Whoever proved himself from this very address and port is not accused by what anybody may have forged.
  if (sources.standing(peer.remote, now).evidence != Evidence::unproven) return;
  const Address host = source_of(peer.remote.address);
  if (charge.critical && sources.registrations(peer.remote.address, now) != 0) return;
  const std::uint64_t key = keyed_hash(instance_.key(), host);
  decided(Action::count, charge.reason);
  if (shard_.soft_blocks.strike(host, key, signal(peer, charge), limits(charge), now))
    soft_block(host, key, charge);
}

void Sanctions::soft_block(const Address& host, std::uint64_t key, const Charge& charge) {
  const Time now = worker_.now();
  if (!instance_.protected_addresses().why(host_prefix(host)).empty()) {
    shard_.soft_blocks.exempt(host, key, now + kExemptFor, now);
    return decided(Action::spared, charge.reason);
  }
  decided(Action::soft_block, charge.reason);
  shard_.tally.add(Tally::soft_blocks);
  if (!shard_.records.allow(now)) return;
  SoftBlockRecord record;
  record.address = host;
  record.until = shard_.soft_blocks.until(key, now);
  record.reason = charge.reason;
  record.signals = shard_.soft_blocks.signals(key, now);
  if (charge.message) record.excerpt = redacted_excerpt(*charge.message);
  auto event = std::make_unique<Event>();
  event->kind = EventKind::attack;
  event->prefix = host_prefix(host);
  event->reason = to_string(charge.reason);
  event->source = "guardian";
  event->expires_at = instance_.clock().wall(record.until);
  instance_.store().note(std::move(record));
  instance_.events().publish(std::move(event));
}

void Sanctions::count(const Peer& peer, const Charge& charge) {
  const Time now = worker_.now();
  const Duration find_time = options_.find_time;
  auto& sources = worker_.sources();
  const Address host = source_of(peer.remote.address);
  const Failures::Who who{host, keyed_hash(instance_.key(), host), charge.user};
  const auto tally = shard_.failures.add(who, signal(peer, charge), find_time, now);
  shard_.tally.add(Tally::failures);
  decided(Action::count, charge.reason);
  const bool full = charge.at_once || tally.address >= options_.max_failures;
  if (!full && tally.pair < options_.max_failures) return;

  const std::size_t live = sources.registrations(peer.remote.address, now);
  const std::size_t others = live == 0 ? 0 : sources.registrations_of_others(peer.remote, now);
  const bool whole = charge.at_once || (full && tally.users >= Failures::kUsers) ||
                     tally.address >= kWholeFailures * options_.max_failures;
  if (live == 0 || (whole && others == 0)) {
    if (full && ban(peer, charge, Scope::address)) shard_.failures.settle(who);
    return;
  }
  if (whole) ban(peer, charge, Scope::flow);
  // Else he went on guessing at this user from one port after the other.
  if (charge.user != 0 && tally.pair >= options_.max_failures) ban(peer, charge, Scope::identity);
}

bool Sanctions::ban(const Peer& peer, const Charge& charge, Scope scope, const Cidr* network) {
  const Time now = worker_.now();
  const Address host = source_of(peer.remote.address);
  const std::uint64_t key = keyed_hash(instance_.key(), host);
  if (shard_.soft_blocks.is_exempt(key, now)) return decided(Action::spared, charge.reason), false;
  auto ban = std::make_unique<Ban>();
  ban->scope = scope;
  ban->prefix = host_prefix(host);
  if (network) {
    ban->prefix = *network;
  } else if (scope == Scope::address) {
    ban->prefix = options_.ban_prefix(peer.remote.address);
    if (ban->prefix.bits < host_prefix(host).bits) ban->scope = Scope::network;
  } else if (scope == Scope::flow) {
    ban->prefix = {peer.remote.address, peer.remote.address.is_v4() ? 32U : 128U};
    ban->port = peer.remote.port;
  } else {
    ban->user = charge.user;
    ban->user_text = std::string(charge.user_text.substr(0, 64));
  }
  ban->reason = to_string(charge.reason);
  ban->source = "guardian";
  ban->proof = charge.proof;
  ban->evidence = charge.proof == Proof::none ? Evidence::unproven : Evidence::proven;
  ban->signals = shard_.failures.signals(key, now);
  if (charge.message) ban->excerpt = redacted_excerpt(*charge.message);
  const auto time = charge.ban_time.count() != 0 ? charge.ban_time : options_.ban_time;
  const auto result = instance_.ban(worker_, std::move(ban), options_, time);
  if (result == BanResult::protected_) {
    // Asking costs a lock, so nobody asks again for a while.
    shard_.soft_blocks.exempt(host, key, now + kExemptFor, now);
    decided(Action::spared, charge.reason);
    return false;
  }
  shard_.tally.add(Tally::bans);
  decided(Action::ban, charge.reason);
  return true;
}

void Sanctions::acquit(const Peer& peer, std::uint64_t user) {
  if (user == 0) return;
  const Address host = source_of(peer.remote.address);
  shard_.failures.succeed({host, keyed_hash(instance_.key(), host), user}, options_.find_time, worker_.now());
}

}  // namespace sipward::guardian

#include "inspection.hpp"

#include "sipward/sip/reply.hpp"
#include "transaction_key.hpp"
#include "users.hpp"
#include "verdicts.hpp"

namespace sipward::guardian {
namespace {

using sip::Method;

// What always stands, whatever the options say, and only for what proves nothing: so many new requests a
// second of one source (replaced by `rate_limit { any … }`), and so many packets of any other kind.
constexpr Limit kUnproven(config::Rate{200, std::chrono::seconds(1), 400});
constexpr Limit kPackets(config::Rate{2'000, std::chrono::seconds(1), 4'000});
// Each proof that comes from a source gives back what its calls took, so that one that completes its calls is
// not slowed, however many they are.
constexpr unsigned kRefund = 2;
constexpr std::uint64_t kPacketSlot = sip::kMethods + 1;
constexpr std::size_t kMaxScale = 4'096;
constexpr auto kOpenInvite = std::chrono::minutes(3);
constexpr auto kAsking = std::chrono::minutes(3);
constexpr std::uint64_t kFloodSlot = sip::kMethods + 2;

bool ends_or_acknowledges(Method method) {
  return method == Method::ack || method == Method::bye || method == Method::cancel ||
         method == Method::prack;
}

}  // namespace

Inspection::Inspection(const Setup& setup, Shard& shard, Packet& packet)
    : setup_(setup),
      shard_(shard),
      packet_(packet),
      worker_(packet.worker()),
      message_(packet.sip()),
      proof_(packet.proof()),
      host_key_(keyed_hash(setup.instance->key(), source_of(packet.peer().remote.address))) {}

void Inspection::count() {
  const std::size_t worker = worker_.index();
  setup_.metrics.message_size.observe(worker, packet_.octets().size());
  if (!is_request()) return;
  setup_.metrics.requests.add(worker, static_cast<std::size_t>(message_.method()));
  shard_.tally.add(Tally::requests);
}

bool Inspection::may_be_answered() {
  return is_request() && message_.method() != Method::ack &&
         (proven() || packet_.standing().evidence != Evidence::unproven);
}

void Inspection::answer(int status, std::string_view phrase, std::string_view extra) {
  if (phrase.empty()) phrase = sip::reason_phrase(status);
  worker_.reply(packet_, status, phrase, extra);
}

std::optional<Verdict> Inspection::block(Reason reason, bool shadow) {
  const std::size_t worker = worker_.index();
  if (shadow || setup_.options.shadow) {
    setup_.metrics.decision(worker, Action::would_drop, reason);
    return std::nullopt;
  }
  shard_.tally.add(Tally::blocked);
  setup_.metrics.blocked.add(worker, static_cast<std::size_t>(reason));
  if (setup_.options.on_block == OnBlock::reply && may_be_answered()) {
    answer(setup_.options.on_block_status, {}, {});
    setup_.metrics.decision(worker, Action::reject, reason);
    return Verdict::consumed;
  }
  setup_.metrics.decision(worker, Action::drop, reason);
  return Verdict::drop;
}

BanBite Inspection::narrow_ban() {
  const auto& remote = packet_.peer().remote;
  const Time now = worker_.now();
  if (const auto flow = shard_.bans.find_flow(remote, now)) return flow;
  if (!is_request() || (message_.method() != Method::register_ && message_.method() != Method::invite)) {
    return {};
  }
  const Address host = source_of(remote.address);
  const auto& sources = worker_.sources();
  for (const std::uint64_t user : {acting_user(message_, sources), credential_user(message_, sources)}) {
    const auto ban = user == 0 ? BanBite() : shard_.bans.find_identity(host, user, now);
    if (ban) return ban;
  }
  return {};
}

std::optional<Verdict> Inspection::banned() {
  if (shard_.bans.empty()) return std::nullopt;
  auto ban = shard_.bans.find(packet_.peer().remote.address, worker_.now());
  if (!ban && shard_.bans.has_narrow()) ban = narrow_ban();
  if (!ban || (setup_.options.shadow && ban.automatic)) return std::nullopt;
  ban.hit();
  const auto verdict = block(Reason::banned, false);
  return verdict ? verdict : Verdict::drop;  // a ban made by hand bites in shadow too
}

void Inspection::would_refuse() {
  if (!setup_.geoip || !setup_.options.shadow) return;
  if (setup_.geoip->refuses(worker_.index(), packet_.peer().remote.address)) block(Reason::geoip, true);
}

// A CANCEL or ACK of an INVITE that was let through.
bool Inspection::of_open_invite() {
  if (message_.method() != Method::cancel && message_.method() != Method::ack) return false;
  return shard_.open_invites.find(transaction_hash(false), worker_.now()) != nullptr;
}

std::optional<Verdict> Inspection::soft_blocked() {
  const Time now = worker_.now();
  if (proven() || message_.kind() == sip::Kind::response || !shard_.soft_blocks.blocked(host_key_, now)) {
    return std::nullopt;
  }
  if (packet_.standing().evidence != Evidence::unproven) return std::nullopt;
  if (is_request() && (packet_.transaction() || of_open_invite())) return std::nullopt;
  return block(Reason::soft_block, false);
}

// What a retransmission repeats, whoever sends it: branch, Call-ID and CSeq. An INVITE's CANCEL and ACK
// repeat all but the method.
std::uint64_t Inspection::transaction_hash(bool with_method) {
  return transaction_key(setup_.instance->key(), host_key_, message_,
                         with_method ? static_cast<std::uint64_t>(message_.method()) : kOpenInviteKind);
}

Extension Inspection::target() {
  const auto user = message_.method() == Method::register_ ? acting_user_text(message_, Method::register_)
                                                           : message_.uri().user;
  return extension_of(user, setup_.instance->key());
}

Extension Inspection::caller() {
  return extension_of(acting_user_text(message_, message_.method()), setup_.instance->key());
}

void Inspection::answering() {
  if (shard_.challenges.empty() || !is_request()) return;
  if (message_.count(sip::HeaderId::authorization) + message_.count(sip::HeaderId::proxy_authorization) == 0)
    return;
  shard_.challenges.answered(Detection::challenge_key(host_key_, caller(), target()));
}

std::optional<Verdict> Inspection::flooding() {
  const auto& options = setup_.options;
  if (!options.flood) return std::nullopt;
  const Time now = worker_.now();
  const Duration window = options.flood_window;
  auto& flood = shard_.floods.at(mix(host_key_, kFloodSlot + (proven() ? 1 : 0)), now);
  flood.expires = now + window;
  flood.packets.add(1, now, window);
  const auto live = std::min(worker_.sources().registrations(packet_.peer().remote.address, now), kMaxScale);
  if (flood.packets.count(now, window) <= std::uint64_t{options.flood_requests} * (4 + live) / 4) {
    return std::nullopt;
  }
  if (!proven() && packet_.standing().evidence != Evidence::unproven) return std::nullopt;
  // Counted anew, so that of several flows behind one address the one that goes on is stopped.
  flood.packets = {};
  Charge charge;
  charge.reason = Reason::flood;
  charge.at_once = charge.conclusive = true;
  charge.method = message_.method();
  charge.proof = proof_;
  charge.shadow = options.shadow || options.flood_shadow;
  charge.ban_time = options.flood_ban_time;
  charge.message = &message_;
  sanctions().accuse(packet_.peer(), charge);
  return block(Reason::flood, options.flood_shadow);
}

// Whether rates hold for it; what ends or confirms a call passes, and so does what only its real sender can
// send.
bool Inspection::limited() {
  if (!is_request() || ends_or_acknowledges(message_.method())) return false;
  if (proven() && !message_.to().tag.empty()) return false;
  return !sip::is_emergency(message_.uri()) && !packet_.transaction();
}

// A client does not send a request again over a stream (RFC 3261 17.1.2.1), so one that comes too early is
// let through and its stream is not read until the next may come. False when that would be too long.
bool Inspection::slow_down(const RateLimiter::Bucket& one, const RateLimiter::Bucket& other) {
  const auto wait = shard_.rates.borrow(one, other, Lane::proven, worker_.now());
  if (wait > RateLimiter::kLongestWait) return false;
  if (wait == Duration::zero()) return true;
  const bool shadow = setup_.options.shadow || setup_.options.rates_shadow;
  if (!shadow) worker_.delay(packet_.peer(), wait);
  shard_.tally.add(Tally::rate_limited);
  setup_.metrics.rate_limited.add(worker_.index(), static_cast<std::size_t>(message_.method()));
  setup_.metrics.decision(worker_.index(), shadow ? Action::would_drop : Action::delay, Reason::rate_limit);
  return true;
}

// True when it goes through: at once, or because its client sends again what was turned away.
// All strangers share one more bucket of each kind: forged packets can come from any number of sources.
bool Inspection::turn_away_or_pass(const RateLimiter::Bucket& one, const RateLimiter::Bucket& other,
                                   bool stranger) {
  const Time now = worker_.now();
  if (is_stream(packet_.transport())) return slow_down(one, other);
  if (proven()) return shard_.rates.allow(one, other, Lane::proven, now);
  const auto& limit = setup_.strangers;
  if (shard_.rates.allow(one, other, Lane::first, now) && (!stranger || shard_.strangers.allow(limit, now))) {
    return true;
  }
  if (!is_request()) return false;
  const std::uint64_t transaction = transaction_hash(true);
  if (shard_.rates.is_repeat(transaction, now) && shard_.rates.allow(one, other, Lane::again, now) &&
      (!stranger || shard_.strangers_again.allow(limit, now))) {
    return true;
  }
  shard_.rates.turn_away(transaction, now);
  return false;
}

std::optional<Verdict> Inspection::over_rate() {
  const auto& rates = setup_.rates;
  const auto& any = rates[kAnyMethod];
  RateLimiter::Bucket all{mix(host_key_, kAnyMethod), any ? &*any : &kUnproven, 4};
  if (!any && proven()) {
    if (!is_stream(packet_.transport())) shard_.rates.refund(all, Lane::first, kRefund, worker_.now());
    all.limit = nullptr;
  }
  if (!limited()) {
    if (proven()) return std::nullopt;
    const RateLimiter::Bucket packets{mix(host_key_, kPacketSlot), &kPackets, 4};
    return turn_away_or_pass(packets, {}, false) ? std::nullopt : block(Reason::packet_rate, false);
  }
  const auto method = static_cast<std::size_t>(message_.method());
  RateLimiter::Bucket one{mix(host_key_, method), rates[method] ? &*rates[method] : nullptr, 4};
  // What the Sipfile allows is not narrowed by what stands without it.
  if (!any && one.limit) all.limit = nullptr;
  const auto live = worker_.sources().regulars(packet_.peer().remote.address, worker_.now());
  one.scale = all.scale = 4 + static_cast<std::uint32_t>(std::min(live, kMaxScale));
  const bool stranger = live == 0 && !proven() && packet_.standing().evidence == Evidence::unproven;
  if (!stranger && !one.limit && !all.limit) return std::nullopt;
  if (turn_away_or_pass(one, all, stranger)) return std::nullopt;
  setup_.metrics.rate_limited.add(worker_.index(), method);
  shard_.tally.add(Tally::rate_limited);
  return block(Reason::rate_limit, setup_.options.rates_shadow);
}

// A registered phone that answers the PBX badly is a bad phone, not an attack: its answer is dropped.
bool Inspection::excused() {
  if (message_.kind() != sip::Kind::response) return false;
  return packet_.standing().proof == Proof::registration ||
         (proven() && worker_.sources().registrations(packet_.peer().remote.address, worker_.now()) != 0);
}

std::optional<Verdict> Inspection::found(const Finding& finding) {
  if (finding.counts && !excused()) {
    Charge charge;
    charge.reason = finding.reason;
    charge.at_once = finding.at_once;
    charge.critical = finding.critical;
    charge.method = message_.method();
    charge.user_text = acting_user_text(message_, message_.method());
    charge.proof = proof_;
    charge.shadow = finding.shadow || setup_.options.shadow;
    charge.message = &message_;
    sanctions().accuse(packet_.peer(), charge);
  }
  if (!finding.block) return std::nullopt;
  if (finding.status == 0 || finding.shadow || setup_.options.shadow || !may_be_answered()) {
    return block(finding.reason, finding.shadow);
  }
  shard_.tally.add(Tally::blocked);
  setup_.metrics.blocked.add(worker_.index(), static_cast<std::size_t>(finding.reason));
  setup_.metrics.decision(worker_.index(), Action::reject, finding.reason);
  answer(finding.status, finding.phrase, finding.extra);
  return Verdict::consumed;
}

std::optional<Verdict> Inspection::invalid() {
  if (!setup_.options.validation) return std::nullopt;
  const auto finding = setup_.checks.validate(packet_, setup_.metrics, shard_.validation);
  if (finding.block) shard_.tally.add(Tally::validation_failures);
  return found(finding);
}

std::optional<Verdict> Inspection::scanner() {
  if (!setup_.options.scanner_block) return std::nullopt;
  const auto finding = setup_.checks.scan(packet_);
  const auto verdict = found(finding);
  // A tool that is proven and not only watched was banned for being one.
  if (finding.reason == Reason::scanner && (!proven() || finding.shadow)) guess_of_tool();
  return verdict;
}

void Inspection::guess_of_tool() {
  if (!is_request() || !probes(message_.method())) return;
  Detection::Guess guess;
  guess.peer = packet_.peer();
  guess.proof = proof_;
  guess.method = message_.method();
  guess.target = target();
  guess.message = &message_;
  detection().guessed(guess);
}

void Inspection::passed() {
  const Time now = worker_.now();
  if (!is_request()) return;
  const auto method = message_.method();
  if (method == Method::ack) return proven_by_ack();
  if (!message_.to().tag.empty()) return;
  if (method == Method::invite && !proven()) {
    shard_.open_invites.at(transaction_hash(false), now).expires = now + kOpenInvite;
  }
  // The answer does not say any more for whom this asked.
  if (setup_.options.enumeration.enabled && method != Method::register_ && probes(method) &&
      packet_.standing().proof != Proof::registration) {
    shard_.asking.at(transaction_hash(true), now) = {now + kAsking, target()};
  }
}

// The ACK repeats the tag that the PBX gave its refusal: so it is true who asked.
void Inspection::proven_by_ack() {
  if (proof_ != Proof::to_tag) return;
  const Time now = worker_.now();
  const std::uint64_t call = mix(host_key_, keyed_hash(setup_.instance->key(), message_.call_id()));
  const auto* found = shard_.refused_invites.find(call, now);
  if (!found) return;
  const RefusedInvite refused = *found;
  shard_.refused_invites.erase(call);
  if (refused.challenge != 0) return shard_.challenges.prove(refused.challenge, proof_, now);
  Detection::Guess guess;
  guess.peer = packet_.peer();
  guess.proof = proof_;
  guess.method = Method::invite;
  guess.status = refused.status;
  guess.target = refused.target;
  guess.caller = refused.caller;
  guess.unknown = refused.reason == Reason::unknown_user;
  guess.message = &message_;
  if (detection().guessed(guess)) return;
  Charge charge;
  charge.reason = refused.reason;
  charge.status = refused.status;
  charge.user = refused.user;
  charge.user_text = message_.from().ok ? sip::parse_uri(message_.from().uri).user : std::string_view();
  charge.method = Method::invite;
  charge.proof = proof_;
  charge.shadow = setup_.options.shadow;
  charge.message = &message_;
  sanctions().accuse(packet_.peer(), charge);
}

}  // namespace sipward::guardian

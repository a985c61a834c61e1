#include "detection.hpp"

#include <algorithm>
#include <string>

namespace sipward::guardian {
namespace {

// A source that is banned for what its neighbourhood does must have asked for a few itself.
constexpr unsigned kMemberMarks = 3;

// The three reasons stand in one order: as Reason, as labels of the metric and in Tally.
static_assert(static_cast<int>(Reason::sequential_pattern) == static_cast<int>(Reason::count_threshold) + 1);
static_assert(static_cast<int>(Reason::rapid_fire) == static_cast<int>(Reason::count_threshold) + 2);
static_assert(Tally::rapid_fire == Tally::count_threshold + 2);

std::size_t label_of(Reason reason) {
  return static_cast<std::size_t>(reason) - static_cast<std::size_t>(Reason::count_threshold);
}

std::string span_text(Duration span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  if (seconds >= 86'400 && seconds % 86'400 == 0) return std::to_string(seconds / 86'400) + " days";
  if (seconds >= 60 && seconds % 60 == 0) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds) + " s";
}

std::string sentence(const Unresolved::Found& found, Grade grade, const Cidr* network) {
  std::string text = network ? "several sources asked for " : "asked for ";
  text += std::to_string(found.users) + " users whom the PBX did not let in";
  if (found.reason == Reason::sequential_pattern) {
    text += ", the numbers " + std::to_string(found.first) + " to " + std::to_string(found.last);
  }
  text += ", within " + span_text(found.within);
  return text + (grade == Grade::proven ? "; proven" : "; the source may be forged");
}

}  // namespace

Grade Detection::grade(Proof proof) const {
  return proof != Proof::none || setup_.options.evidence == EvidencePolicy::any ? Grade::proven
                                                                                : Grade::unproven;
}

bool Detection::spared(const Peer& peer, Grade grade) const {
  return grade == Grade::unproven &&
         worker_.sources().standing(peer.remote, worker_.now()).evidence != Evidence::unproven;
}

bool Detection::guessed(const Guess& guess) {
  if (!setup_.options.enumeration.enabled) return false;
  const Grade grade = this->grade(guess.proof);
  if (spared(guess.peer, grade)) return false;
  if (join(guess, guess.target, guess.unknown, grade)) return true;
  return guess.caller.key != guess.target.key && join(guess, guess.caller, false, grade);
}

bool Detection::join(const Guess& guess, const Extension& user, bool unknown, Grade grade) {
  if (user.key == 0 || setup_.is_exempt(user)) return false;
  const Address host = source_of(guess.peer.remote.address);
  const Unresolved::Source source{host, key_of(host), grade};
  const auto found = shard_.unresolved.join(source, user, unknown, setup_.enumeration, worker_.now());
  if (found) return conclude(guess, found, grade, nullptr);
  return unknown && found.fresh && spread(guess, source, found);
}

// Whether its neighbours ask for unknown users as well.
bool Detection::spread(const Guess& guess, const Unresolved::Source& source, const Unresolved::Found& found) {
  const Time now = worker_.now();
  const auto& limits = setup_.enumeration;
  auto& neighbourhoods = setup_.instance->neighbourhoods();
  const Cidr network = neighbourhood_of(source.host);
  const auto seen = neighbourhoods.note(network, source.grade, source.key, guess.target.key, now);
  if (limits.network_marks == 0 || seen.marks < limits.network_marks) return false;

  Unresolved::Found whole = found;
  whole.reason = Reason::count_threshold;
  whole.users = seen.marks;
  whole.within = Unresolved::kDays;
  // Neighbours are judged together only by evidence from several of them, and where nobody is known.
  const bool together = source.grade == Grade::proven && seen.members >= Neighbourhoods::kMembers &&
                        !neighbourhoods.settled(network, now) && !setup_.whitelist.touches(network) &&
                        !shard_.whitelist.get()->touches(network) &&
                        setup_.instance->protected_addresses().why(network).empty();
  if (!together && found.days_marks < kMemberMarks) return false;
  shard_.unresolved.rest(source, now);
  if (!together) return conclude(guess, whole, source.grade, nullptr);
  neighbourhoods.forget(network);
  return conclude(guess, whole, source.grade, &network);
}

bool Detection::conclude(const Guess& guess, const Unresolved::Found& found, Grade grade,
                         const Cidr* network) {
  setup_.metrics.enumeration.add(worker_.index(), label_of(found.reason));
  shard_.tally.add(Tally::enumeration_detections);
  shard_.tally.add(static_cast<Tally::Field>(Tally::count_threshold + label_of(found.reason)));
  // A forger can cause any number; what is proven is bounded by the bans that follow.
  if (grade == Grade::proven || shard_.records.allow(worker_.now())) tell(guess, found, grade, network);

  Charge charge;
  charge.reason = found.reason;
  charge.at_once = charge.conclusive = true;
  charge.method = guess.method;
  charge.status = guess.status;
  charge.proof = guess.proof;
  charge.shadow = shadow();
  charge.ban_time = setup_.options.enumeration.ban_time;
  charge.message = guess.message;
  if (network) {
    sanctions().accuse(guess.peer, charge, *network);
  } else {
    sanctions().accuse(guess.peer, charge);
  }
  return grade == Grade::proven && !charge.shadow;
}

void Detection::tell(const Guess& guess, const Unresolved::Found& found, Grade grade, const Cidr* network) {
  auto& instance = *setup_.instance;
  const Address host = source_of(guess.peer.remote.address);
  instance.offenders().note(
      {host, found.reason, grade == Grade::proven, 1, found.users, instance.clock().wall(worker_.now())});
  auto event = std::make_unique<Event>();
  event->kind = EventKind::enumeration;
  event->prefix = network ? *network : host_prefix(host);
  event->reason = to_string(found.reason);
  event->source = "guardian";
  event->details = sentence(found, grade, network);
  event->shadow = shadow();
  instance.events().publish(std::move(event));
}

void Detection::got_in(const Peer& peer, const Extension& user) {
  if (!setup_.options.enumeration.enabled) return;
  shard_.unresolved.leave(key_of(source_of(peer.remote.address)), user, setup_.enumeration, worker_.now());
}

std::uint64_t Detection::challenged(const Guess& guess, std::uint64_t user) {
  if (!setup_.options.enumeration.enabled && !setup_.options.failed_auth.enabled) return 0;
  OpenChallenges::Challenge challenge;
  challenge.key = challenge_key(key_of(source_of(guess.peer.remote.address)), guess.caller, guess.target);
  challenge.remote = guess.peer.remote;
  challenge.proof = guess.proof;
  challenge.method = guess.method;
  challenge.status = static_cast<std::uint16_t>(guess.status);
  challenge.target = guess.target;
  challenge.caller = guess.caller;
  challenge.user = user;
  shard_.challenges.open(challenge, worker_.now());
  return challenge.key;
}

void Detection::due() {
  const Time now = worker_.now();
  shard_.unresolved.sweep(now);
  if (shard_.challenges.empty()) return;
  const auto guess_of = [](const OpenChallenges::Challenge& challenge) {
    Guess guess;
    guess.peer.remote = challenge.remote;
    guess.proof = challenge.proof;
    guess.method = challenge.method;
    guess.status = challenge.status;
    guess.target = challenge.target;
    if (challenge.method == sip::Method::invite) guess.caller = challenge.caller;
    return guess;
  };
  shard_.challenges.due(
      now,
      [&](const OpenChallenges::Challenge& challenge) {
        if (!setup_.whitelisted(shard_, challenge.remote.address)) guessed(guess_of(challenge));
      },
      [&](const OpenChallenges::Challenge& challenge) {
        const auto& address = challenge.remote.address;
        if (setup_.whitelisted(shard_, address) || worker_.sources().registrations(address, now) != 0) return;
        Failure failure;
        failure.peer.remote = challenge.remote;
        failure.proof = challenge.proof;
        failure.reason = Reason::failed_auth;
        failure.method = challenge.method;
        failure.status = challenge.status;
        failure.user = challenge.user;
        failed(failure);
      });
}

void Detection::failed(const Failure& failure) {
  const auto& options = setup_.options.failed_auth;
  if (!options.enabled) return;
  const Grade grade = this->grade(failure.proof);
  if (spared(failure.peer, grade)) return;
  const Time now = worker_.now();
  const Address host = source_of(failure.peer.remote.address);
  const Failures::Who who{host, mix(key_of(host), static_cast<std::uint64_t>(grade) + 1), failure.user};
  const auto weight = static_cast<std::uint16_t>(failure.strong ? options.strong_signal_weight : 1);
  const Signal signal{now,    failure.reason, failure.method, static_cast<std::uint16_t>(failure.status),
                      weight, failure.proof};
  if (shard_.failed_auth.add(who, signal, options.window, now).address < options.threshold) return;
  shard_.failed_auth.settle(who);
  Charge charge;
  charge.reason = Reason::failed_auth;
  charge.at_once = charge.conclusive = true;
  charge.method = failure.method;
  charge.status = failure.status;
  charge.proof = failure.proof;
  charge.user = failure.user;
  charge.shadow = setup_.options.shadow || options.shadow;
  charge.ban_time = options.ban_time;
  charge.message = failure.message;
  sanctions().accuse(failure.peer, charge);
}

void Detection::authenticated(const Peer& peer, std::uint64_t user) {
  if (!setup_.options.failed_auth.enabled || user == 0) return;
  const Address host = source_of(peer.remote.address);
  for (const Grade grade : {Grade::unproven, Grade::proven}) {
    shard_.failed_auth.succeed({host, mix(key_of(host), static_cast<std::uint64_t>(grade) + 1), user},
                               setup_.options.failed_auth.window, worker_.now());
  }
}

}  // namespace sipward::guardian

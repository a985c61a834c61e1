#include "answers.hpp"

#include "detection.hpp"
#include "sanctions.hpp"
#include "sipward/sip/values.hpp"
#include "transaction_key.hpp"
#include "users.hpp"
#include "verdicts.hpp"

namespace sipward::guardian {
namespace {

constexpr unsigned kAnswers = 2;                           // the first copy and one more
constexpr auto kRefusedInvite = std::chrono::seconds(64);  // twice Timer H: until no ACK can come any more

// What the challenges of a 401 or 407 say about the last credentials.
struct Challenge {
  bool readable = false;
  bool stale = false;
};

Challenge read_challenge(const sip::Message& message) {
  Challenge challenge;
  for (const auto id : {sip::HeaderId::www_authenticate, sip::HeaderId::proxy_authenticate}) {
    message.for_each(id, [&](const sip::Header& header) {
      const auto auth = sip::parse_auth(header.value);
      challenge.readable = challenge.readable || auth.ok;
      challenge.stale = challenge.stale || (auth.ok && auth.stale);
    });
  }
  return challenge;
}

class Weighing {
 public:
  Weighing(const Setup& setup, Shard& shard, Packet& packet, const Transaction& transaction)
      : setup_(setup),
        shard_(shard),
        packet_(packet),
        message_(packet.sip()),
        worker_(packet.worker()),
        transaction_(transaction),
        host_(source_of(packet.peer().remote.address)),
        host_key_(keyed_hash(setup.instance->key(), host_)),
        acting_text_(acting_user_text(message_, transaction.method)),
        acting_(user_hash(acting_text_, worker_.sources())),
        user_(transaction.credentials && transaction.credential_user != 0 ? transaction.credential_user
                                                                          : acting_) {}

  void run() {
    Answer answer;
    answer.method = transaction_.method;
    answer.status = message_.status();
    answer.credentials = transaction_.credentials;
    answer.nonce_known = transaction_.nonce_known;
    answer.in_dialog = transaction_.in_dialog;
    answer.proof = transaction_.proof;
    answer.known = known();
    const bool concluded = enumerate(answer);
    if ((answer.status == 401 || answer.status == 407) && answer.credentials) {
      const auto challenge = read_challenge(message_);
      if (!challenge.readable) return unjudged(Unjudged::unreadable);
      answer.stale = challenge.stale;
    }
    act(judge(answer), concluded);
  }

 private:
  bool known() {
    const Time now = worker_.now();
    const auto& sources = worker_.sources();
    // Who registers as somebody else is not excused by being registered as himself.
    if (transaction_.method != sip::Method::register_ &&
        sources.standing(packet_.peer(), now).proof == Proof::registration) {
      return true;
    }
    if (shard_.failures.authenticated(who(acting_), now) || shard_.failures.authenticated(who(user_), now)) {
      return true;
    }
    return !acting_text_.empty() && sources.is_registered(packet_.peer().remote.address, acting_text_, now);
  }

  Failures::Who who(std::uint64_t user) const { return {host_, host_key_, user}; }
  Sanctions sanctions() const { return {*setup_.instance, shard_, setup_.options, setup_.metrics, worker_}; }
  void unjudged(Unjudged why) const {
    setup_.metrics.unjudged.add(worker_.index(), static_cast<std::size_t>(why));
  }

  Proof proof() const {
    return transaction_.proof == Proof::none && transaction_.nonce_known ? Proof::nonce : transaction_.proof;
  }
  Detection detection() const { return {setup_, shard_, worker_}; }

  // Who was asked for: To of a REGISTER, else the Request-URI, which the answer does not repeat.
  Extension target(const Extension& caller) {
    if (transaction_.method == sip::Method::register_) return caller;
    const auto kind = static_cast<std::uint64_t>(transaction_.method);
    const auto key = transaction_key(setup_.instance->key(), host_key_, message_, kind);
    if (const auto* asking = shard_.asking.find(key, worker_.now())) return asking->target;
    Extension hidden;
    hidden.key = transaction_.target_user;
    return hidden;
  }

  // Guessing of users (detection.hpp). True when a ban may have come of it.
  bool enumerate(const Answer& answer) {
    if (answer.in_dialog || !probes(answer.method)) return false;
    const bool success = answer.status >= 200 && answer.status < 300;
    if (!success && answer.known) return false;
    Detection::Guess guess;
    guess.peer = packet_.peer();
    guess.proof = proof();
    guess.method = answer.method;
    guess.status = answer.status;
    guess.caller = extension_of(acting_text_, setup_.instance->key());
    guess.target = target(guess.caller);
    guess.message = &message_;
    if (success) {
      settle(answer);
      detection().got_in(guess.peer, guess.target);
      detection().got_in(guess.peer, guess.caller);
      return false;
    }
    switch (answer.status) {
      case 401:
      case 407:
        // Credentials for another challenge don't answer this one.
        if (!answer.credentials || !answer.nonce_known) challenged(guess);
        return false;
      case 404:
      case 484:
      case 604:
        guess.unknown = true;
        [[fallthrough]];
      case 403:
      case 488:
        if (answer.method != sip::Method::invite) guess.caller = {};
        target_ = guess.target;
        caller_ = guess.caller;
        return detection().guessed(guess);
      default:
        return false;
    }
  }

  void challenged(const Detection::Guess& guess) {
    const auto key = detection().challenged(guess, user_);
    if (key == 0 || guess.proof != Proof::none || guess.method != sip::Method::invite) return;
    refused_invite() = {worker_.now() + kRefusedInvite, 0, key, {}, {}, Reason::none, 0};
  }

  // Whoever registered or authenticated lives in that network.
  void settle(const Answer& answer) {
    if (answer.proof == Proof::none && !answer.credentials) return;
    if (answer.method != sip::Method::register_ && !answer.credentials) return;
    setup_.instance->neighbourhoods().settle(neighbourhood_of(host_), worker_.now());
  }

  void act(const Judgement& judgement, bool concluded) {
    const Time now = worker_.now();
    const Duration find_time = setup_.options.find_time;
    switch (judgement.effect) {
      case Effect::nothing:
        return;
      case Effect::success:
        detection().authenticated(packet_.peer(), user_);
        sanctions().acquit(packet_.peer(), user_);
        if (acting_ != user_) sanctions().acquit(packet_.peer(), acting_);
        return;
      case Effect::stale_nonce:
        if (user_ == 0) return unjudged(Unjudged::no_user);
        if (shard_.failures.stale(who(user_), find_time, now) > kStaleRun) fail(judgement, concluded);
        return;
      case Effect::unknown_nonce:
        if (user_ == 0) return unjudged(Unjudged::no_user);
        if (shard_.failures.unknown_nonce(who(user_), find_time, now) > 1) fail(judgement, concluded);
        return;
      case Effect::failure:
        fail(judgement, concluded);
        return;
    }
  }

  void fail(const Judgement& judgement, bool concluded) {
    if (judgement.ack_may_prove) remember_refusal(judgement.reason);
    if (concluded) return;
    weigh(judgement);
    Charge charge;
    charge.reason = judgement.reason;
    charge.method = transaction_.method;
    charge.status = message_.status();
    charge.proof = proof();
    charge.user = user_;
    charge.user_text = acting_text_;
    charge.shadow = setup_.options.shadow;
    charge.message = &message_;
    sanctions().accuse(packet_.peer(), charge);
  }

  // For failed_auth_ban: credentials that were refused, or made for no challenge.
  void weigh(const Judgement& judgement) {
    if (!transaction_.credentials) return;
    Detection::Failure failure;
    failure.peer = packet_.peer();
    failure.proof = proof();
    failure.reason = judgement.reason;
    failure.method = transaction_.method;
    failure.status = message_.status();
    failure.user = user_;
    failure.strong = judgement.effect != Effect::stale_nonce;
    failure.message = &message_;
    if (judgement.reason != Reason::unknown_user) detection().failed(failure);
  }

  RefusedInvite& refused_invite() {
    const auto call = mix(host_key_, keyed_hash(setup_.instance->key(), message_.call_id()));
    return shard_.refused_invites.at(call, worker_.now());
  }
  void remember_refusal(Reason reason) {
    refused_invite() = {worker_.now() + kRefusedInvite,
                        user_,
                        0,
                        target_,
                        caller_,
                        reason,
                        static_cast<std::uint16_t>(message_.status())};
  }

  const Setup& setup_;
  Shard& shard_;
  Packet& packet_;
  sip::Message& message_;
  Worker& worker_;
  const Transaction& transaction_;
  Address host_;
  std::uint64_t host_key_;
  std::string_view acting_text_;
  std::uint64_t acting_;
  std::uint64_t user_;
  Extension target_, caller_;  // whom an answer refused, and to whom
};

}  // namespace

void weigh_answer(const Setup& setup, Shard& shard, Packet& packet) {
  auto& message = packet.sip();
  if (message.kind() != sip::Kind::response || message.status() < 200) return;
  Transaction* transaction = packet.transaction();
  if (!transaction) {
    setup.metrics.unjudged.add(packet.worker().index(), static_cast<std::size_t>(Unjudged::no_transaction));
    return;
  }
  if (transaction->judged) return;
  transaction->judged = true;
  Weighing(setup, shard, packet, *transaction).run();
}

bool resent_too_often(const Setup& setup, Shard& shard, Packet& packet) {
  auto& message = packet.sip();
  if (is_stream(packet.transport()) || message.kind() != sip::Kind::response || message.status() < 200)
    return false;
  const auto* transaction = packet.transaction();
  if (!transaction || transaction->method != sip::Method::invite || transaction->proof != Proof::none)
    return false;
  auto& worker = packet.worker();
  const Time now = worker.now();
  const auto& remote = packet.peer().remote;
  if (worker.sources().standing(remote, now).evidence != Evidence::unproven) return false;
  const auto& key = setup.instance->key();
  const auto source = keyed_hash(key, source_of(remote.address));
  auto* invite = shard.open_invites.find(transaction_key(key, source, message, kOpenInviteKind), now);
  if (!invite) return false;
  if (invite->answers < kAnswers) return ++invite->answers, false;
  const auto action = setup.options.shadow ? Action::would_drop : Action::drop;
  setup.metrics.decision(worker.index(), action, Reason::resent);
  return action == Action::drop;
}

}  // namespace sipward::guardian

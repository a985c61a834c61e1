#include "answers.hpp"

#include "sanctions.hpp"
#include "sipward/sip/values.hpp"
#include "users.hpp"
#include "verdicts.hpp"

namespace sipward::guardian {
namespace {

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
    if ((answer.status == 401 || answer.status == 407) && answer.credentials) {
      const auto challenge = read_challenge(message_);
      if (!challenge.readable) return unjudged(Unjudged::unreadable);
      answer.stale = challenge.stale;
    }
    act(judge(answer));
  }

 private:
  bool known() {
    const Time now = worker_.now();
    const auto& sources = worker_.sources();
    if (sources.standing(packet_.peer().remote, now).evidence == Evidence::trusted) return true;
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

  void act(const Judgement& judgement) {
    const Time now = worker_.now();
    const Duration find_time = setup_.options.find_time;
    switch (judgement.effect) {
      case Effect::nothing:
        return;
      case Effect::success:
        sanctions().acquit(packet_.peer(), user_);
        if (acting_ != user_) sanctions().acquit(packet_.peer(), acting_);
        return;
      case Effect::stale_nonce:
        if (user_ == 0) return unjudged(Unjudged::no_user);
        if (shard_.failures.stale(who(user_), find_time, now) > kStaleRun) fail(judgement);
        return;
      case Effect::unknown_nonce:
        if (user_ == 0) return unjudged(Unjudged::no_user);
        if (shard_.failures.unknown_nonce(who(user_), find_time, now) > 1) fail(judgement);
        return;
      case Effect::failure:
        fail(judgement);
        return;
    }
  }

  void fail(const Judgement& judgement) {
    if (judgement.ack_may_prove) remember_refusal(judgement.reason);
    Charge charge;
    charge.reason = judgement.reason;
    charge.method = transaction_.method;
    charge.status = message_.status();
    charge.proof =
        transaction_.proof == Proof::none && transaction_.nonce_known ? Proof::nonce : transaction_.proof;
    charge.user = user_;
    charge.user_text = acting_text_;
    charge.shadow = setup_.options.shadow;
    charge.message = &message_;
    sanctions().accuse(packet_.peer(), charge);
  }

  void remember_refusal(Reason reason) {
    const Time now = worker_.now();
    const auto call = mix(host_key_, keyed_hash(setup_.instance->key(), message_.call_id()));
    auto& refused = shard_.refused_invites.at(call, now);
    refused = {now + kRefusedInvite, user_, reason, static_cast<std::uint16_t>(message_.status())};
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

}  // namespace sipward::guardian

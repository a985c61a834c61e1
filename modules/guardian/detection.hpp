#pragma once

#include <cstdint>

#include "guardian.hpp"
#include "sanctions.hpp"

namespace sipward::guardian {

// Guessing of users and failing to authenticate, counted over many messages (unresolved.hpp,
// neighbourhoods.hpp, open_challenges.hpp), and what follows. Cheap to make; for one hook on the worker.
class Detection {
 public:
  Detection(const Setup& setup, Shard& shard, Worker& worker)
      : setup_(setup), shard_(shard), worker_(worker) {}

  struct Guess {
    Peer peer;
    Proof proof = Proof::none;
    sip::Method method = sip::Method::other;
    unsigned status = 0;   // of the PBX's answer
    Extension target;      // who was asked for
    Extension caller;      // who asked, when that is a guess too
    bool unknown = false;  // the PBX does not know the target
    const sip::Message* message = nullptr;
  };
  // Asked, and did not get in. True when a ban may have come of it: there is nothing more to hold against it.
  bool guessed(const Guess& guess);
  // A 2xx: the user is one of theirs.
  void got_in(const Peer& peer, const Extension& user);

  // The PBX asks for credentials. Returns the challenge's key, 0 when nobody watches. `user` as in Failures.
  std::uint64_t challenged(const Guess& guess, std::uint64_t user);
  static std::uint64_t challenge_key(std::uint64_t source, const Extension& caller, const Extension& target) {
    return mix(mix(source, caller.key), target.key);
  }
  // What became of challenges meanwhile, and upkeep of the tables; now and then, cheap when there is nothing.
  void due();

  // `failed_auth_ban`: the weight of one failure. strong: of strong_signal_weight.
  struct Failure {
    Peer peer;
    Proof proof = Proof::none;
    Reason reason = Reason::none;
    sip::Method method = sip::Method::other;
    unsigned status = 0;
    std::uint64_t user = 0;
    bool strong = false;
    const sip::Message* message = nullptr;
  };
  void failed(const Failure& failure);
  void authenticated(const Peer& peer, std::uint64_t user);

 private:
  // Nothing is held against it: it proved itself before, and this may be forged.
  bool spared(const Peer& peer, Grade grade) const;
  Grade grade(Proof proof) const;
  std::uint64_t key_of(const Address& host) const { return keyed_hash(setup_.instance->key(), host); }
  bool join(const Guess& guess, const Extension& user, bool unknown, Grade grade);
  bool spread(const Guess& guess, const Unresolved::Source& source, const Unresolved::Found& found);
  bool conclude(const Guess& guess, const Unresolved::Found& found, Grade grade, const Cidr* network);
  void tell(const Guess& guess, const Unresolved::Found& found, Grade grade, const Cidr* network);
  bool shadow() const { return setup_.options.shadow || setup_.options.enumeration.shadow; }
  Sanctions sanctions() const { return {*setup_.instance, shard_, setup_.options, setup_.metrics, worker_}; }

  const Setup& setup_;
  Shard& shard_;
  Worker& worker_;
};

}  // namespace sipward::guardian

#pragma once

#include <cstdint>
#include <optional>

#include "detection.hpp"
#include "guardian.hpp"
#include "sanctions.hpp"

namespace sipward::guardian {

// One message on its way in, and the checks as Guardian orders them. Each gives the verdict that ends the
// chain, or nullopt to go on. Lives for one hook, on the packet's worker; allocates nothing unless somebody
// gets banned or soft-blocked.
class Inspection {
 public:
  Inspection(const Setup& setup, Shard& shard, Packet& packet);

  void count();
  std::optional<Verdict> banned();
  // Credentials: a challenge is answered, whatever becomes of them.
  void answering();
  void would_refuse();  // by country or network, in shadow
  std::optional<Verdict> soft_blocked();
  std::optional<Verdict> flooding();
  std::optional<Verdict> over_rate();
  std::optional<Verdict> invalid();
  std::optional<Verdict> scanner();
  // Let through: remembers what later messages of the same call are recognised by.
  void passed();

 private:
  bool is_request() const { return message_.kind() == sip::Kind::request; }
  bool proven() const { return proof_ != Proof::none; }
  bool of_open_invite();
  bool limited();
  bool slow_down(const RateLimiter::Bucket& one, const RateLimiter::Bucket& other);
  bool turn_away_or_pass(const RateLimiter::Bucket& one, const RateLimiter::Bucket& other, bool stranger);
  std::uint64_t transaction_hash(bool with_method);
  Detection detection() const { return {setup_, shard_, worker_}; }
  Extension target();
  Extension caller();
  void guess_of_tool();
  void proven_by_ack();
  BanBite narrow_ban();
  bool excused();
  std::optional<Verdict> found(const Finding& finding);
  std::optional<Verdict> block(Reason reason, bool shadow);
  bool may_be_answered();
  void answer(int status, std::string_view phrase, std::string_view extra);
  Sanctions sanctions() const { return {*setup_.instance, shard_, setup_.options, setup_.metrics, worker_}; }

  const Setup& setup_;
  Shard& shard_;
  Packet& packet_;
  Worker& worker_;
  sip::Message& message_;
  Proof proof_;
  std::uint64_t host_key_;
};

}  // namespace sipward::guardian

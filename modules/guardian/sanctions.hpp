#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "instance.hpp"
#include "options.hpp"
#include "sipward/packet.hpp"
#include "sipward/worker.hpp"

namespace sipward::guardian {

// Something that speaks against the sender of one message.
struct Charge {
  Reason reason = Reason::none;
  bool at_once = false;     // worth a ban by itself: a known tool, CRITICAL findings
  bool conclusive = false;  // made of many messages: unproven, it soft-blocks at once
  bool critical =
      false;  // CRITICAL: nothing but proof may hold it against an address with live registrations
  sip::Method method = sip::Method::other;
  unsigned status = 0;  // of the PBX's answer; 0 for a finding
  Proof proof = Proof::none;
  std::uint64_t user = 0;      // keyed hash, as Sources::hash; 0: none
  std::string_view user_text;  // what to show
  bool shadow = false;         // decide and count, but do nothing
  std::chrono::milliseconds ban_time{};
  const sip::Message* message = nullptr;  // for the excerpt
};

// What evidence does (docs/directives/sip_guardian.md, "Evidence"): unproven evidence at most soft-blocks,
// and never accuses a source that proved itself before; proven evidence counts, and bans the address, the
// flow or the user by what else lives behind the address. Cheap to make; for one hook on the worker of the
// peer.
class Sanctions {
 public:
  Sanctions(Instance& instance, Shard& shard, const Options& options, const GuardianMetrics& metrics,
            Worker& worker)
      : instance_(instance), shard_(shard), options_(options), metrics_(metrics), worker_(worker) {}

  void accuse(const Peer& peer, const Charge& charge);
  // The same for a whole network, by evidence that is proven. The caller knows that nobody there is
  // protected.
  void accuse(const Peer& peer, const Charge& charge, const Cidr& network);
  // The user authenticated: what was counted against him there is taken back.
  void acquit(const Peer& peer, std::uint64_t user);

 private:
  void strike(const Peer& peer, const Charge& charge);
  void count(const Peer& peer, const Charge& charge);
  bool ban(const Peer& peer, const Charge& charge, Scope scope, const Cidr* network = nullptr);
  void soft_block(const Address& host, std::uint64_t key, const Charge& charge);
  Signal signal(const Peer& peer, const Charge& charge) const;
  SoftBlocks::Limits limits(const Charge& charge) const;
  void decided(Action action, Reason reason) const { metrics_.decision(worker_.index(), action, reason); }

  Instance& instance_;
  Shard& shard_;
  const Options& options_;
  const GuardianMetrics& metrics_;
  Worker& worker_;
};

}  // namespace sipward::guardian

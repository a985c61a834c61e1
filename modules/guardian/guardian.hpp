#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checks.hpp"
#include "geoip.hpp"
#include "instance.hpp"
#include "options.hpp"
#include "sipward/foresight.hpp"
#include "sipward/handler.hpp"
#include "sipward/module.hpp"
#include "sipward/packet.hpp"
#include "webhook.hpp"
#include "whitelist.hpp"

namespace sipward::guardian {

// What all handlers of one instance in one configuration share: its options and what is made of them when
// they are provisioned. Immutable from then on.
class Setup {
 public:
  Setup(std::shared_ptr<const SharedOptions> shared, BuildContext& context);
  ~Setup();
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  const Options& options;
  const Checks checks;
  const std::array<std::optional<Limit>, sip::kMethods + 1> rates;
  const Limit strangers;      // one worker's share
  const Whitelist whitelist;  // what the Sipfile lists as addresses and networks
  std::shared_ptr<Instance> instance;
  const EnumerationLimits enumeration;
  GuardianMetrics metrics;
  const std::unique_ptr<Geoip> geoip;  // nullptr: refuses nobody

  bool whitelisted(Shard& shard, const Address& address) const {
    if (whitelist.contains(address)) return true;
    const auto& added = *shard.whitelist.get();
    return !added.empty() && added.contains(address);
  }
  // One of exempt_extensions.
  bool is_exempt(const Extension& user) const {
    return std::binary_search(exempt_.begin(), exempt_.end(), user.key);
  }
  // Bans made since this was asked last, of whom the Sipfile whitelists, end. Admin thread.
  void lift_whitelisted() const { looked_at_ = instance->lift_whitelisted(whitelist, looked_at_); }

 private:
  void watch_names(BuildContext& context);

  std::vector<std::uint64_t> exempt_;  // their keys, in order
  std::shared_ptr<const SharedOptions> shared_;
  std::vector<std::string> watched_;
  std::vector<std::shared_ptr<void>> watches_;
  std::vector<std::shared_ptr<Service>> kept_;  // what keeps the decisions
  std::vector<std::shared_ptr<Webhook>> webhooks_;
  mutable std::uint64_t looked_at_ = 0;  // of lift_whitelisted()
};

// `sip_guardian`: only the order of the checks, for requests and for what the PBX answers to them.
//   admission  whitelist, ban, country and network (nothing is parsed; asked for every message)
//   inbound    whitelist, ban, soft block, flood, rates, validation, patterns, next
//   faults     a stream that breaks the framing of SIP counts as a malformed message does
//   outbound   the PBX's final answers are weighed; held back is only what somebody unproven was told twice
// Hooks run on the packet's worker and touch only that worker's shard; see sanctions.hpp for what evidence
// does.
class Guardian final : public Handler, public Foresight {
 public:
  Guardian(std::string name, std::shared_ptr<SharedOptions> shared)
      : name_(std::move(name)), shared_(std::move(shared)) {}

  void validate(config::Errors& errors) const override { shared_->validate(errors); }
  void provision(BuildContext& context) override;
  void foresee(Worker& worker, std::span<const Address> sources) const override;
  Verdict on_admit(Worker& worker, const sipward::Source& source) const override;
  void on_stream_fault(Worker& worker, const sipward::Source& source, std::string_view fault) const override;
  Verdict on_inbound(Packet& packet) const override;
  Verdict on_outbound(Packet& packet) const override;

 private:
  Verdict inspect(Packet& packet, Shard& shard) const;
  bool bars(Worker& worker, Shard& shard, const Endpoint& remote) const;
  bool refuses(Worker& worker, Shard& shard, const Address& address) const;

  std::string name_;
  std::shared_ptr<SharedOptions> shared_;
  std::shared_ptr<const Setup> setup_;
};

std::unique_ptr<Handler> make_guardian(const config::Node& node, CreateContext& context);

}  // namespace sipward::guardian

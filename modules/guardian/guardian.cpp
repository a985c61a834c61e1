#include "guardian.hpp"

#include "answers.hpp"
#include "detection.hpp"
#include "endpoints.hpp"
#include "geo_matchers.hpp"
#include "inspection.hpp"
#include "sanctions.hpp"
#include "upkeep.hpp"

namespace sipward::guardian {
namespace {

void tell_notes(const Options& options, Notes& notes) {
  notes.somebody_bans = true;
  const auto key = "sip_guardian/" + options.name + "/whitelist";
  if (options.whitelist.empty() && options.whitelist_names.empty()) {
    notes.hints[key] = "guardian '" + options.name +
                       "' bans and has no whitelist; put trunks, offices and your own address on it";
  } else {
    notes.hints.erase(key);
  }
}

}  // namespace

void Guardian::provision(BuildContext& context) {
  auto& slot = context.scope.get<std::shared_ptr<const Setup>>("sip_guardian/" + name_ + "/setup");
  if (!slot) {
    auto setup = std::make_shared<const Setup>(shared_, context);
    add_endpoints(context, setup);
    start_upkeep(setup, context.workers);
    slot = std::move(setup);
  }
  setup_ = slot;
}

// Whether a ban of the address bites before anything is read.
bool Guardian::bars(Worker& worker, Shard& shard, const Endpoint& remote) const {
  if (shard.bans.empty()) return false;
  const auto ban = shard.bans.find(remote.address, worker.now());
  if (!ban) return false;
  const auto& options = setup_->options;
  // In shadow only what people banned bites; and who is to get an answer must be read first.
  if (options.shadow && ban.automatic) return false;
  if (options.on_block == OnBlock::reply &&
      worker.sources().standing(remote, worker.now()).evidence != Evidence::unproven) {
    return false;
  }
  ban.hit();
  shard.tally.add(Tally::blocked);
  setup_->metrics.blocked.add(worker.index(), static_cast<std::size_t>(Reason::banned));
  setup_->metrics.decision(worker.index(), Action::drop, Reason::banned);
  return true;
}

// Whether nobody may call from there. In shadow it is on_inbound that says so, once for each message.
bool Guardian::refuses(Worker& worker, Shard& shard, const Address& address) const {
  if (!setup_->geoip || setup_->options.shadow) return false;
  const auto label = setup_->geoip->refuses(worker.index(), address);
  if (!label) return false;
  shard.tally.add(Tally::blocked);
  setup_->metrics.geoip_blocked.add(worker.index(), *label);
  setup_->metrics.blocked.add(worker.index(), static_cast<std::size_t>(Reason::geoip));
  setup_->metrics.decision(worker.index(), Action::drop, Reason::geoip);
  return true;
}

void Guardian::foresee(Worker& worker, std::span<const Address> sources) const {
  setup_->instance->shard(worker.index()).bans.foresee(sources);
}

Verdict Guardian::on_admit(Worker& worker, const sipward::Source& source) const {
  auto& shard = setup_->instance->shard(worker.index());
  if (shard.bans.empty() && !setup_->geoip) return Verdict::next;
  if (setup_->whitelisted(shard, source.remote.address)) return Verdict::next;
  const bool refused = bars(worker, shard, source.remote) || refuses(worker, shard, source.remote.address);
  return refused ? Verdict::drop : Verdict::next;
}

void Guardian::on_stream_fault(Worker& worker, const sipward::Source& source, std::string_view) const {
  auto& shard = setup_->instance->shard(worker.index());
  const auto& options = setup_->options;
  if (setup_->whitelisted(shard, source.remote.address)) return;
  Peer peer;
  peer.remote = source.remote;
  peer.local = source.local;
  peer.transport = source.transport;
  Detection::Failure failure;
  failure.peer = peer;
  failure.proof = Proof::handshake;
  failure.reason = Reason::broken_stream;
  failure.strong = true;
  Detection(*setup_, shard, worker).failed(failure);
  if (!options.validation || options.validation_mode == validation::Mode::permissive) return;
  Charge charge;
  charge.reason = Reason::broken_stream;
  charge.proof = Proof::handshake;
  charge.shadow = options.shadow || options.validation_shadow;
  Sanctions(*setup_->instance, shard, options, setup_->metrics, worker).accuse(peer, charge);
}

Verdict Guardian::on_inbound(Packet& packet) const {
  if (packet.is_keep_alive()) return Verdict::next;
  const std::size_t worker = packet.worker().index();
  auto& shard = setup_->instance->shard(worker);
  if (++shard.packets % GuardianMetrics::kSampled != 0) return inspect(packet, shard);
  const auto began = std::chrono::steady_clock::now();
  const auto verdict = inspect(packet, shard);
  const auto took = std::chrono::steady_clock::now() - began;
  setup_->metrics.decision_time.observe(worker,
                                        static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
  return verdict;
}

Verdict Guardian::inspect(Packet& packet, Shard& shard) const {
  Detection(*setup_, shard, packet.worker()).due();
  Inspection inspection(*setup_, shard, packet);
  inspection.count();
  if (setup_->whitelisted(shard, packet.peer().remote.address)) return Verdict::next;
  if (auto verdict = inspection.banned()) return *verdict;
  inspection.answering();
  inspection.would_refuse();
  if (auto verdict = inspection.soft_blocked()) return *verdict;
  if (auto verdict = inspection.flooding()) return *verdict;
  if (auto verdict = inspection.over_rate()) return *verdict;
  if (auto verdict = inspection.invalid()) return *verdict;
  if (auto verdict = inspection.scanner()) return *verdict;
  inspection.passed();
  return Verdict::next;
}

Verdict Guardian::on_outbound(Packet& packet) const {
  if (packet.is_keep_alive()) return Verdict::next;
  auto& shard = setup_->instance->shard(packet.worker().index());
  Detection(*setup_, shard, packet.worker()).due();
  if (setup_->whitelisted(shard, packet.peer().remote.address)) return Verdict::next;
  weigh_answer(*setup_, shard, packet);
  return resent_too_often(*setup_, shard, packet) ? Verdict::drop : Verdict::next;
}

std::unique_ptr<Handler> make_guardian(const config::Node& node, CreateContext& context) {
  auto name = instance_name(node);
  auto shared = shared_options(context.scope, name);
  shared->add(node, context.errors);
  tell_notes(shared->options, notes(context.scope));
  auto& paths = geo_paths(context.scope);
  if (paths.countries.empty()) paths.countries = shared->options.geoip.countries;
  if (paths.networks.empty()) paths.networks = shared->options.geoip.networks;
  return std::make_unique<Guardian>(std::move(name), std::move(shared));
}

}  // namespace sipward::guardian

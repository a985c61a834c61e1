#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ban_store.hpp"
#include "ban_view.hpp"
#include "bounded_table.hpp"
#include "events.hpp"
#include "failures.hpp"
#include "guarded.hpp"
#include "metrics.hpp"
#include "rate_limiter.hpp"
#include "sipward/build_context.hpp"
#include "sipward/published.hpp"
#include "soft_block.hpp"
#include "whitelist.hpp"

namespace sipward::guardian {

struct Options;

// At most so many soft blocks a second are kept to be shown: a forger can cause any number.
class RecordLimit {
 public:
  static constexpr unsigned kPerSecond = 50;
  bool allow(Time now) {
    if (now - since_ >= std::chrono::seconds(1)) since_ = now, used_ = 0;
    return used_++ < kPerSecond;
  }

 private:
  Time since_{};
  unsigned used_ = 0;
};

// An INVITE that was let through unproven, by keyed hash of what its CANCEL and ACK repeat; and one that the
// PBX refused, by keyed hash of its Call-ID, until its ACK shows who asked.
struct OpenInvite {
  Time expires{};
};
struct RefusedInvite {
  Time expires{};
  std::uint64_t user = 0;
  Reason reason = Reason::none;
  std::uint16_t status = 0;
};

// What one worker knows, touched by no other thread (except tally, which anybody may read).
struct alignas(64) Shard {
  static constexpr std::size_t kOpenInvites = 16'384;
  static constexpr std::size_t kRefusedInvites = 8'192;

  Shard(const HashKey& key, const Published<Whitelist>& added)
      : bans(key), open_invites(kOpenInvites), refused_invites(kRefusedInvites), whitelist(added) {}

  BanView bans;
  SoftBlocks soft_blocks;
  Failures failures;
  RateLimiter rates;
  BoundedTable<OpenInvite> open_invites;
  BoundedTable<RefusedInvite> refused_invites;
  RecordLimit records;
  Published<Whitelist>::Reader whitelist;  // what was added while running
  Tally tally;
};

enum class BanResult : std::uint8_t { banned, local, protected_ };

// All that guardians of one name share and that survives a reload: the bans, what every worker counts, and
// the part of the whitelist that was not written in a Sipfile. Service "sip_guardian/NAME". Every function
// says who may call it; what a shard holds is for its worker alone.
class Instance final : public Service, public std::enable_shared_from_this<Instance> {
 public:
  Instance(std::string name, BuildContext& context);

  static constexpr auto kLocalBan = std::chrono::seconds(60);

  Shard& shard(std::size_t worker) { return *state_->shards[worker]; }
  const HashKey& key() const { return state_->key; }
  BanStore& store() { return store_; }
  Events& events() { return events_; }
  const std::string& name() const { return name_; }
  const Clock& clock() const { return clock_; }
  ProtectedAddresses& protected_addresses() const { return protected_; }

  // From a worker, about a source it owns. The ban bites there at once and reaches the other workers by post;
  // its streams are closed. Past the limit of automatic bans it is made for kLocalBan and for this worker
  // alone.
  BanResult ban(Worker& worker, std::unique_ptr<Ban> ban, const Options& options,
                std::chrono::milliseconds time);

  // From any thread but a worker's: by hand.
  BanPtr ban_by_hand(std::unique_ptr<Ban> ban, std::chrono::milliseconds time);
  // Lifts everything that holds inside the prefix: bans of any scope, soft blocks, counts. False when there
  // was nothing to lift.
  bool unban(const Cidr& prefix, std::string_view source = "admin");
  void lift_whitelisted(const Whitelist& whitelist);
  void lift_protected();  // what was banned before it became protected

  // The running part of the whitelist, by what it was added as; any thread but a worker's.
  void whitelist(const std::string& entry, std::vector<Cidr> networks);
  bool unwhitelist(const std::string& entry);
  // Adds a name, of a host or of a service, under that entry: with nothing until it is resolved, and then
  // with what it resolves to, for as long as the returned handle lives and the entry is not taken off.
  [[nodiscard]] std::shared_ptr<void> whitelist_name(const std::string& entry, const std::string& name);
  // The same by hand: kept until it is taken off. False when there are kNamesByHand.
  static constexpr std::size_t kNamesByHand = 64;
  bool whitelist_name_by_hand(const std::string& name);
  std::map<std::string, std::vector<Cidr>> whitelisted() const;
  std::shared_ptr<const Whitelist> added_whitelist() const { return state_->whitelist.snapshot(); }

  // Sum over the workers; any thread.
  std::uint64_t total(Tally::Field field) const;

 private:
  // What posted tasks hold: memory only, so that it does not matter on which thread it ends.
  struct State {
    HashKey key = HashKey::random();
    Published<Whitelist> whitelist{std::make_shared<const Whitelist>()};
    std::vector<std::unique_ptr<Shard>> shards;
  };
  void tell_workers(BanPtr ban, std::vector<BanPtr> out, std::size_t except);
  void close_streams(const Ban& ban);
  void publish_whitelist();
  template <class Answer>
  std::function<void(Answer)> whitelister(const std::string& entry);
  void log_ban(const Ban& ban);

  std::string name_;
  const Clock& clock_;
  Logger& log_;
  Workers& workers_;
  ProtectedAddresses& protected_;
  Resolver& resolver_;
  std::shared_ptr<State> state_;
  BanStore store_;
  Events events_;
  LogLimit log_limit_;
  Guarded<std::map<std::string, std::vector<Cidr>>> added_;
  Guarded<std::map<std::string, std::shared_ptr<void>>> names_by_hand_;
};

}  // namespace sipward::guardian

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "background.hpp"
#include "ban_store.hpp"
#include "ban_view.hpp"
#include "bounded_table.hpp"
#include "event_feed.hpp"
#include "events.hpp"
#include "failures.hpp"
#include "guarded.hpp"
#include "metrics.hpp"
#include "neighbourhoods.hpp"
#include "offenders.hpp"
#include "open_challenges.hpp"
#include "rate_limiter.hpp"
#include "sipward/build_context.hpp"
#include "sipward/published.hpp"
#include "soft_block.hpp"
#include "unresolved.hpp"
#include "validation_tally.hpp"
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
// PBX refused or challenged, by keyed hash of its Call-ID, until its ACK shows who asked.
struct OpenInvite {
  Time expires{};
  std::uint8_t answers = 0;  // final ones, relayed
};
struct RefusedInvite {
  Time expires{};
  std::uint64_t user = 0;
  std::uint64_t challenge = 0;  // OpenChallenges::Challenge::key; 0: it was refused
  Extension target, caller;
  Reason reason = Reason::none;
  std::uint16_t status = 0;
};

// Whom a request asks for, by transaction_key(), until it is answered.
struct Asking {
  Time expires{};
  Extension target;
};

// Packets of a source, for `flood`.
struct Flood {
  Time expires{};
  Window packets;
};

// What one worker knows, touched by no other thread (except tally, which anybody may read).
struct alignas(64) Shard {
  static constexpr std::size_t kOpenInvites = 16'384;
  static constexpr std::size_t kRefusedInvites = 8'192;
  static constexpr std::size_t kAsking = 32'768;  // of all workers together
  static constexpr std::size_t kFloods = 16'384;
  static constexpr std::size_t kFailedAuth = 4'096;

  Shard(const HashKey& key, std::shared_ptr<const BanTable> table, const Published<Whitelist>& added,
        std::size_t workers);

  BanView bans;
  SoftBlocks soft_blocks;
  Failures failures;
  RateLimiter rates;
  // Of all sources that nothing speaks for: what they ask for the first time, and what they repeat.
  Gate strangers, strangers_again;
  BoundedTable<OpenInvite> open_invites;
  BoundedTable<RefusedInvite> refused_invites;
  BoundedTable<Asking> asking;
  Unresolved unresolved;
  OpenChallenges challenges;
  Failures failed_auth;  // weighted, for failed_auth_ban
  BoundedTable<Flood> floods;
  RecordLimit records;
  Published<Whitelist>::Reader whitelist;  // what was added while running
  Tally tally;
  ValidationTally validation;
  std::uint32_t packets = 0;  // by which those whose decision is timed are picked
};

// Whoever keeps bans beyond the process. Safe to call from any thread.
class BanKeeper {
 public:
  virtual ~BanKeeper() = default;
  // What was counted against everything inside the prefix is taken back.
  virtual void forget(const Cidr& prefix) = 0;
  // Waits until all that was decided before is kept; false when it is not, at the latest after `most`.
  virtual bool settle(std::chrono::milliseconds most) = 0;
};

enum class BanResult : std::uint8_t { banned, local, protected_ };

// All that guardians of one name share and that survives a reload: the bans, what every worker counts, and
// the part of the whitelist that was not written in a Sipfile. Service "sip_guardian/NAME". Every function
// says who may call it; what a shard holds is for its worker alone.
class Instance final : public Service, public std::enable_shared_from_this<Instance> {
 public:
  Instance(std::string name, BuildContext& context);
  ~Instance() override;

  static constexpr auto kLocalBan = std::chrono::seconds(60);
  static constexpr std::chrono::seconds kSettle{2};

  void start() override;
  void stop(Time deadline) override;

  Shard& shard(std::size_t worker) { return *state_->shards[worker]; }
  const HashKey& key() const { return state_->key; }
  BanStore& store() { return store_; }
  Events& events() { return events_; }
  Neighbourhoods& neighbourhoods() { return state_->neighbourhoods; }
  Offenders& offenders() { return offenders_; }
  const Offenders& offenders() const { return offenders_; }
  EventFeed& feed() { return *feed_; }
  const std::string& name() const { return name_; }
  const Clock& clock() const { return clock_; }
  ProtectedAddresses& protected_addresses() const { return protected_; }

  // From a worker, about a source it owns. The ban bites at once, on every worker; its streams are closed.
  // Past the limit of automatic bans it is made for kLocalBan and for this worker alone.
  BanResult ban(Worker& worker, std::unique_ptr<Ban> ban, const Options& options,
                std::chrono::milliseconds time);

  // Brings back what was kept, from any thread but a worker's; bans of users are in force before anything
  // that is posted to the workers later, all others when it returns. Protected addresses are left out. With
  // `tell` each is an event as a new ban is. Returns how many came into force.
  enum class Tell : std::uint8_t { no, yes };
  std::size_t restore(KeptBans kept, Tell tell = Tell::no);
  // Waits, for at most kSettle, until every decision so far is kept by whoever keeps bans; not on a worker.
  // When that fails it is logged, and what was decided holds all the same.
  bool settle();
  void add_keeper(std::weak_ptr<BanKeeper> keeper);
  Background& background() { return background_; }
  // Tells of the bans that have ended by time, of so many at most: whoever hears of them has queues. About
  // once a second, on the background thread.
  static constexpr std::size_t kEndsATime = 2'000;
  void end_expired();

  // From any thread but a worker's: by hand.
  BanPtr ban_by_hand(std::unique_ptr<Ban> ban, std::chrono::milliseconds time);
  // Lifts everything that holds inside the prefix: bans of any scope, soft blocks, counts. False when there
  // was nothing to lift.
  bool unban(const Cidr& prefix, std::string_view source = "admin");
  // Lifts bans of whoever is on the list; looks only at bans with a greater id than `after`, and returns the
  // greatest that it saw.
  std::uint64_t lift_whitelisted(const Whitelist& whitelist, std::uint64_t after = 0);
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
  // Sources watched for enumeration, over all workers; any thread.
  std::size_t tracked() const;
  const std::vector<std::unique_ptr<Shard>>& shards() const {
    return state_->shards;
  }  // for what anybody may read

  // Runs `look` on the thread of the worker that owns the address, or `look` on every worker's and then
  // `done` on that of the last. They may be the last to refer to what they hold: that must be memory only.
  void ask_owner(const Address& address, std::function<void(Shard&, Time)> look);
  void ask_all(std::function<void(Shard&)> look, std::function<void()> done);

 private:
  // What posted tasks hold: memory only, so that it does not matter on which thread it ends.
  struct State {
    HashKey key = HashKey::random();
    Neighbourhoods neighbourhoods{key};
    Published<Whitelist> whitelist{std::make_shared<const Whitelist>()};
    std::vector<std::unique_ptr<Shard>> shards;
  };
  std::size_t bring_back(std::vector<std::unique_ptr<Ban>> bans, Tell tell);
  void announce(const BanStore::Added& added);
  void give_way(const std::vector<BanPtr>& out);
  std::vector<std::shared_ptr<BanKeeper>> keepers();
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
  Offenders offenders_;
  std::shared_ptr<EventFeed> feed_;
  LogLimit log_limit_;
  Guarded<std::map<std::string, std::vector<Cidr>>> added_;
  Guarded<std::vector<std::weak_ptr<BanKeeper>>> keepers_;
  LogLimit settle_limit_;
  Guarded<std::map<std::string, std::shared_ptr<void>>> names_by_hand_;
  Background background_;  // last: it ends first
};

}  // namespace sipward::guardian

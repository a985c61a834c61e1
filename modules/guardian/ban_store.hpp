#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "ban.hpp"
#include "ban_table.hpp"
#include "guarded.hpp"

namespace sipward::guardian {

// The bans of one instance: what the admin API shows and changes, and what workers hand their bans to. They
// are in one table that workers look into without a lock (ban_view.hpp), so that a ban holds for all of them
// when add() returns. It decides nothing about who deserves a ban. Safe to call from any thread; calls hold
// one lock for no longer than a page of a list takes.
class BanStore {
 public:
  struct Limits {
    std::size_t bans = 1'000'000;     // in total; automatic ones give way, oldest first
    std::size_t narrow = 100'000;     // of flows and users, among them; the same
    std::size_t per_minute = 600;     // automatic ones
    std::size_t repeats = 20'000;     // addresses remembered for ban_escalation
    std::size_t soft_blocks = 1'024;  // shown to people; the workers' own are bounded by themselves
  };
  explicit BanStore(const Clock& clock) : BanStore(clock, Limits()) {}
  BanStore(const Clock& clock, const Limits& limits) : BanStore(clock, limits, HashKey::random()) {}
  BanStore(const Clock& clock, const Limits& limits, const HashKey& key);

  // For views; it may outlive the store.
  std::shared_ptr<const BanTable> table() const { return table_; }

  struct Added {
    BanPtr ban;               // null when the limit of automatic bans was reached
    std::vector<BanPtr> out;  // what had to give way
  };
  // Takes a ban in for `time`, replacing one of the same target. With `factor` above 1 the time is multiplied
  // for each earlier automatic ban of the same target within kRepeatMemory, up to `most`. The id and the
  // times of `ban` are set here.
  Added add(std::unique_ptr<Ban> ban, std::chrono::milliseconds time, unsigned factor = 1,
            std::chrono::milliseconds most = {});
  // Takes in what was kept elsewhere, with the times and hits that it brings; no limit but that of bans
  // counts. A ban that has expired is left out, and one of a target that is banned already, unless it holds
  // longer.
  Added restore(std::unique_ptr<Ban> ban);
  void restore(const RepeatRecord& repeats, std::uint64_t user);
  // The bans that ended by time and were not taken yet, at most so many, in the order of their ends. They are
  // collected from the first call on, a few thousand at least beyond the limit of bans.
  std::vector<BanPtr> take_ended(std::size_t most);
  // Takes out every ban whose target lies inside the prefix, of every scope, and the records of soft blocks.
  std::vector<BanPtr> remove(const Cidr& prefix);
  // Every live ban that covers the address: its networks, itself, its flows and identities.
  std::vector<BanPtr> covering(const Address& address) const;
  // The ban of exactly this prefix, if there is one.
  BanPtr find(const Cidr& prefix) const;

  struct Query {
    std::optional<Address> address;
    std::string reason;       // empty: any
    std::uint64_t after = 0;  // only bans with a greater id
    std::size_t limit = 100;  // more than kMost is kMost
  };
  struct Page {
    std::vector<BanPtr> bans;
    std::uint64_t next = 0;  // where to go on; 0 at the end
    std::size_t count = 0;   // of all that fit
  };
  Page list(const Query& query) const;
  // Every ban with a greater id, oldest first. The lock is taken anew for each few hundred of them and not
  // held while `visit` runs: what comes or goes meanwhile is seen or not.
  void for_each(std::uint64_t after, const std::function<void(const BanPtr&)>& visit) const;
  std::vector<BanPtr> all() const;
  // At most so many with a greater id, oldest first.
  std::vector<BanPtr> some(std::uint64_t after, std::size_t most) const;
  // Those whose packets were counted otherwise than `known` says: its new content, and the bans.
  using Hits = std::unordered_map<std::uint64_t, std::uint64_t>;  // by id
  std::vector<BanPtr> hit_since(Hits& known) const;
  std::uint64_t last_id() const;
  std::size_t size() const;

  void note(SoftBlockRecord record);
  std::optional<SoftBlockRecord> soft_block(const Address& address) const;
  std::vector<SoftBlockRecord> soft_blocks() const;

  static constexpr std::chrono::hours kRepeatMemory{24 * 7};
  static constexpr std::size_t kMost = 4'096;  // bans of a page

 private:
  using Key = std::tuple<Scope, Cidr, Port, std::uint64_t>;
  struct Repeats {
    unsigned bans = 0;
    Time last{};
  };
  struct State {
    std::map<Key, Repeats> repeats;
    std::deque<Time> recent;  // automatic bans of the last minute
    std::deque<SoftBlockRecord> soft_blocks;
    std::uint64_t last_id = 0;
    std::uint64_t no_automatic = 0, no_narrow = 0;  // up to this id there is none that could give way
    bool collect_ended = false;
  };
  static constexpr std::size_t kChunk = 512;

  // All under the lock.
  Added insert(State& state, std::unique_ptr<Ban> ban) const;
  // The oldest automatic one, of flows and users when `narrow`; the next search goes on from `from`.
  BanSlot oldest_automatic(std::uint64_t& from, bool narrow) const;
  void take_out(BanSlot slot, std::vector<BanPtr>& out) const;
  bool expire(State& state, Time now, std::size_t most) const;  // whether it took all
  bool live(BanSlot slot, Time now) const { return table_->record(slot).expires() > now; }
  std::vector<BanSlot> covering_slots(const Address& address, Time now) const;
  unsigned repeat(State& state, const Key& key, Time now) const;
  bool over_rate(State& state, Time now) const;

  // Takes out all that has expired, in parts.
  void expire_all() const;
  // Visits every ban with a greater id under the lock, a part at a time.
  template <class Visit>
  void visit_parts(std::uint64_t after, Visit&& visit) const;
  static Key key_of(const Ban& ban) { return {ban.scope, ban.prefix, ban.port, ban.user}; }

  const Clock& clock_;
  Limits limits_;
  std::shared_ptr<BanTable> table_;
  mutable Guarded<State> state_;  // and what it guards: the table, but for look-ups
};

}  // namespace sipward::guardian

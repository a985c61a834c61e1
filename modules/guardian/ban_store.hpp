#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ban.hpp"
#include "guarded.hpp"

namespace sipward::guardian {

// The bans of one instance: what the admin API shows and changes, and what workers hand their bans to. Every
// worker holds its own view of the same Ban objects (ban_view.hpp). It decides nothing about who deserves a
// ban. Safe to call from any thread; calls hold one lock for no longer than a page of a list takes.
class BanStore {
 public:
  struct Limits {
    std::size_t bans = 100'000;       // in total; automatic ones give way, oldest first
    std::size_t per_minute = 600;     // automatic ones
    std::size_t repeats = 20'000;     // addresses remembered for ban_escalation
    std::size_t soft_blocks = 1'024;  // shown to people; the workers' own are bounded by themselves
  };
  explicit BanStore(const Clock& clock) : BanStore(clock, Limits()) {}
  BanStore(const Clock& clock, const Limits& limits) : clock_(clock), limits_(limits) {}

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
  // collected from the first call on.
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
    std::map<std::uint64_t, BanPtr> by_id;
    std::map<Key, std::uint64_t> by_key;
    std::set<std::pair<Time, std::uint64_t>> by_expiry;
    std::set<std::uint64_t> automatic;
    std::map<Key, Repeats> repeats;
    std::deque<Time> recent;  // automatic bans of the last minute
    std::deque<SoftBlockRecord> soft_blocks;
    std::uint64_t last_id = 0;
    bool collect_ended = false;
    std::deque<BanPtr> ended;
  };
  // Under the lock: gives the ban a number and its places, when there is room.
  Added insert(State& state, std::unique_ptr<Ban> ban) const;
  // Under the lock: the bans of one scope whose target lies inside the prefix.
  static void collect(const State& state, Scope scope, const Cidr& prefix, std::vector<BanPtr>& out);
  static constexpr std::size_t kChunk = 512;

  static Key key_of(const Ban& ban) { return {ban.scope, ban.prefix, ban.port, ban.user}; }
  static void erase(State& state, std::uint64_t id);
  static void expire(State& state, Time now);
  std::vector<BanPtr> chunk(std::uint64_t after, std::size_t most) const;
  unsigned repeat(State& state, const Key& key, Time now) const;
  bool over_rate(State& state, Time now) const;

  const Clock& clock_;
  Limits limits_;
  mutable Guarded<State> state_;
};

}  // namespace sipward::guardian

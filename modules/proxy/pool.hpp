#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "balancing.hpp"
#include "checker.hpp"
#include "health.hpp"
#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/published.hpp"
#include "target.hpp"
#include "upstream.hpp"

namespace sipward::proxy {

// What `proxy` is told of balancing.
struct PoolOptions {
  struct Member {
    config::UpstreamAddress address;
    unsigned weight = 1;
    unsigned max_connections = 0;  // 0: no limit
  };
  std::vector<Member> upstreams;
  Policy policy = Policy::round_robin;
  std::chrono::milliseconds try_duration{0};  // 0: a request stays where it was sent to
  std::chrono::milliseconds try_interval{std::chrono::seconds(1)};
  std::chrono::milliseconds fail_duration{0};  // 0: failures are not remembered
  unsigned max_fails = 1;
  std::optional<CheckOptions> check;
};

// The upstreams of one `proxy`: every address that their names have now, with what is known of it. Made on
// the control thread; the lists change when names do, on the resolver's thread.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  struct Member {
    std::shared_ptr<Target> target;
    std::shared_ptr<Check> check;  // null: nobody asks
    std::size_t upstream = 0;      // in options().upstreams
    unsigned tier = 0;             // of that upstream: a higher one waits until none of a lower can be used
    std::uint64_t name = 0;
    double weight = 1, share = 1;

    bool up() const { return !check || check->up(); }
  };
  using Members = std::vector<Member>;

  // What one worker needs to choose, all its own.
  struct Seat {
    explicit Seat(const Pool& pool)
        : members{Published<Members>::Reader(pool.members_[0]),
                  Published<Members>::Reader(pool.members_[1])} {}
    Published<Members>::Reader members[2];
    Rotation rotation;
    std::minstd_rand chance{std::random_device()()};
    std::vector<Candidate> candidates;
    std::size_t turn = 0;
  };

  static std::shared_ptr<Pool> make(const PoolOptions& options, BuildContext& context);

  // Those that a client of that kind can be sent to. An upstream without a transport of its own takes that of
  // the traffic, and is known by it from the first message on.
  const Members& members(Seat& seat, Transport client) const;
  Seat& seat(std::size_t worker) const { return *seats_[worker]; }
  const PoolOptions& options() const { return options_; }
  const std::vector<std::shared_ptr<Upstream>>& upstreams() const { return upstreams_; }
  // Whether any upstream is one for such a client, resolved or not.
  bool takes(Transport client) const;
  bool failing(const Target& target, Time now) const {
    return target.failing(now, options_.fail_duration, options_.max_fails);
  }

  // For those who look from outside; any thread.
  struct View {
    std::string name;  // as it is written
    const PoolOptions::Member* options = nullptr;
    std::optional<Member> member;  // none: its name has not resolved, or nothing was sent there yet
    std::vector<Endpoint> resolved;
  };
  std::vector<View> view() const;

  Pool(const PoolOptions& options, BuildContext& context);  // for make()

 private:
  void rebuild(bool streams) const;
  std::shared_ptr<const Members> built(bool streams) const;

  const PoolOptions options_;
  std::shared_ptr<Checks> checks_;  // outlives the members' checks
  std::shared_ptr<Targets> targets_;
  std::vector<std::shared_ptr<Upstream>> upstreams_;
  std::vector<std::shared_ptr<void>> watches_;
  mutable std::mutex building_;
  mutable std::atomic<bool> asked_[2]{};   // somebody wanted it: by datagram, by stream
  mutable Published<Members> members_[2];  // the same
  mutable std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace sipward::proxy

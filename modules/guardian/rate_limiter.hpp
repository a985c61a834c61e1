#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bounded_table.hpp"
#include "sipward/clock.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::guardian {

// Which of a source's three buckets of one rate a request draws from. They are apart so that what a forger
// sends in somebody's name empties only the first: he cannot prove anything, and he does not see what to
// repeat.
enum class Lane : std::uint8_t {
  first,   // seen for the first time, and nothing proves who sent it
  again,   // unproven too, but it was turned away and its client sends it again, as RFC 3261 17.1 makes it do
  proven,  // the message itself proves its sender
};

// A rate in the form that is asked for every packet: no division unless it is scaled. What would take longer
// than a year to fill is cut to a year.
class Limit {
 public:
  constexpr explicit Limit(const config::Rate& rate)
      : interval_(std::clamp<Duration>(Duration(rate.per) / rate.count, Duration(1), kMost)),
        whole_(kMost / interval_ < rate.burst ? kMost : interval_ * rate.burst) {}

  // `scale` quarters of the rate: the time in which one token comes, and how far ahead of now a bucket may be
  // full and still have a token.
  constexpr Duration interval(std::uint32_t scale) const {
    return scale == 4 ? interval_ : std::max(interval_ * 4 / scale, Duration(1));
  }
  constexpr Duration depth(std::uint32_t scale) const { return whole_ - interval(scale); }

 private:
  static constexpr Duration kMost = std::chrono::hours(24 * 365);

  Duration interval_;
  Duration whole_;
};

// One token bucket, for what a whole worker takes in. Belongs to one worker.
class Gate {
 public:
  bool allow(const Limit& limit, Time now) {
    const Time full = std::max(full_, now);
    if (full - now > limit.depth(4)) return false;
    full_ = full + limit.interval(4);
    return true;
  }

 private:
  Time full_{};
};

// Token buckets per source. So a source that proves what it sends gets exactly its rate; one that proves
// nothing gets its rate for new requests and as much again for repeated ones; never more than three times the
// rate in all. Buckets are bounded (kSources); a source whose buckets were pushed out begins with full ones.
// No allocation after construction. Belongs to one worker.
class RateLimiter {
 public:
  static constexpr std::size_t kSources = 32'768;
  static constexpr std::size_t kTurnedAway = 65'536;
  // A client repeats after T1 = 500 ms (RFC 3261 17.1.1.2); some are a little early.
  static constexpr auto kEarliestRepeat = std::chrono::milliseconds(400);
  static constexpr auto kLatestRepeat = std::chrono::seconds(32);
  // Longer than that nobody is made to wait: a client gives up after 32 s (Timer F), its answer included.
  static constexpr auto kLongestWait = std::chrono::seconds(20);

  RateLimiter() : RateLimiter(kSources, kTurnedAway) {}
  RateLimiter(std::size_t sources, std::size_t turned_away) : buckets_(sources), turned_away_(turned_away) {}

  // One kind of traffic of one source, by its keyed hash; `scale` quarters of the rate apply: 4 + the number
  // of live registrations behind the address.
  struct Bucket {
    std::uint64_t key = 0;
    const Limit* limit = nullptr;
    std::uint32_t scale = 4;
  };
  // Takes a token from each bucket, or from none and returns false when one is empty. Ones without a rate are
  // skipped.
  bool allow(const Bucket& one, const Bucket& other, Lane lane, Time now);
  // The same for a client that can be made to wait: takes the tokens before they are there, and returns the
  // time until they are; zero when they were. Nothing is taken, and kLongestWait exceeded, when that is too
  // far ahead.
  Duration borrow(const Bucket& one, const Bucket& other, Lane lane, Time now);
  // Gives tokens back, never beyond the burst.
  void refund(const Bucket& bucket, Lane lane, unsigned tokens, Time now);

  // A request was turned away; `transaction` is the keyed hash of what makes a retransmission one.
  void turn_away(std::uint64_t transaction, Time now);
  // Whether this is a retransmission of one that was turned away, late enough to be a client's.
  bool is_repeat(std::uint64_t transaction, Time now);

 private:
  // When the bucket would be full again; a bucket is this one number (the virtual scheduling form of a leaky
  // bucket).
  struct Buckets {
    Time expires{};
    Time full[3]{};
  };
  struct TurnedAway {
    Time expires{};
  };
  struct Draw {
    Time* full = nullptr;
    Time next{};
    Duration wait{};  // until the token is there
  };
  void draw(const Bucket& bucket, Lane lane, Time now, Draw& draw);
  Duration take(const Bucket& one, const Bucket& other, Lane lane, Duration ahead, Time now);

  BoundedTable<Buckets> buckets_;
  BoundedTable<TurnedAway> turned_away_;
};

}  // namespace sipward::guardian

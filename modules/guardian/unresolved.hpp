#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ban.hpp"
#include "bounded_table.hpp"
#include "distinct_days.hpp"
#include "enumeration_options.hpp"
#include "extension.hpp"
#include "window.hpp"

namespace sipward::guardian {

// What proves that a source asked, and what anybody may have forged in its name, are counted apart: so forged
// packets never help to ban.
enum class Grade : std::uint8_t { unproven, proven };

// The thresholds in the form that is asked for every guess.
struct EnumerationLimits {
  explicit EnumerationLimits(const EnumerationOptions& options);

  std::uint32_t users;
  Duration window;
  std::uint32_t in_a_row;  // 0: never; more than kLongestRow can't be told
  std::uint32_t rapid_users;
  Duration rapid_window;
  // Marks of DistinctDays for twice max_extensions, at least kFewestInDays; 0: never.
  unsigned days_marks;
  // The same of a neighbourhood, for three times max_extensions, at least kFewestInNetwork.
  unsigned network_marks;

  static constexpr std::uint32_t kLongestRow = 256;
  static constexpr unsigned kFewestInDays = 20;
  static constexpr unsigned kFewestInNetwork = 30;
};

// The users that each source asked for and never authenticated as: how many lately, how many numbers in a
// row, how many in a short time, and of those that the PBX does not know how many in the last days.
//
// Two bounded tables, of sources and of their users. A source that asked for more gives way later, and so do
// its users, each in a neighbourhood that nobody can choose: one-time sources, forged ones above all, don't
// push out those that are worth watching. Nothing allocates after construction. Belongs to one worker;
// tracked() is for anybody.
class Unresolved {
 public:
  // Places of all workers together.
  static constexpr std::size_t kSources = 262'144;
  static constexpr std::size_t kUsers = 131'072;

  Unresolved(const HashKey& key, std::size_t sources, std::size_t users)
      : key_(key), sources_(sources), users_(users) {}

  // A source by its address and the keyed hash of it.
  struct Source {
    Address host;
    std::uint64_t key = 0;
    Grade grade = Grade::unproven;
  };
  struct Found {
    Reason reason = Reason::none;  // none: nothing yet
    std::uint32_t users = 0;       // so many, within
    Duration within{};
    std::uint64_t first = 0, last = 0;  // the row, for sequential_pattern
    unsigned days_marks = 0;            // of the source's unknown users
    bool fresh = false;                 // the user was counted, and the source is not left in peace

    explicit operator bool() const { return reason != Reason::none; }
  };

  // The source asked for the user, and did not get in; `unknown`: the PBX does not know that user. After a
  // finding the source is left in peace for kQuiet, and its recent users are forgotten; what it asked for in
  // the last days is forgotten when the finding is proven, for that leads to a ban.
  Found join(const Source& source, const Extension& user, bool unknown, const EnumerationLimits& limits,
             Time now);
  // The user got in from there, after all.
  void leave(std::uint64_t source_key, const Extension& user, const EnumerationLimits& limits, Time now);
  // Something was found elsewhere: leaves the source in peace, as after a finding.
  void rest(const Source& source, Time now);
  void forget(const Cidr& prefix);

  // Now and then, cheap: gives back what has expired.
  void sweep(Time now);
  // Sources that are remembered; any thread.
  std::size_t tracked() const { return tracked_.load(std::memory_order_relaxed); }
  std::size_t octets() const { return sources_.octets() + users_.octets(); }

  static constexpr auto kQuiet = std::chrono::seconds(30);
  static constexpr auto kDays = std::chrono::hours(24 * DistinctDays::kDays);

 private:
  struct Asked {
    Time expires{};
    Time seen{};
    Time quiet{};  // until then
    Address host;
    Window recent;
    Window rapid;
    DistinctDays unknown;
    std::uint32_t era = 0;    // part of the keys of its users: a new one forgets them all
    std::uint32_t marks = 0;  // of its users in this era, by keyed hash

    int weight() const { return std::popcount(marks); }
    friend Time worth(const Asked& a) { return a.seen + std::chrono::hours(a.weight()); }
  };
  struct User {
    Time expires{};
    Time joined{};
    Extension user;
    std::uint8_t weight = 0;  // of its source at that time

    friend Time worth(const User& u) { return u.joined + std::chrono::hours(u.weight); }
  };
  static std::uint64_t place_of(std::uint64_t source_key, Grade grade) {
    return mix(source_key, static_cast<std::uint64_t>(grade) + 1);
  }
  static std::uint64_t place_of(std::uint64_t place, const Asked& asked, std::uint64_t user) {
    return mix(mix(place, asked.era), user);
  }
  std::uint32_t row(std::uint64_t place, const Asked& asked, const Extension& user, std::uint32_t enough,
                    Time now, Found& found);
  void rest(Asked& asked, Grade grade, Time now);
  void count() { tracked_.store(sources_.size(), std::memory_order_relaxed); }

  HashKey key_;
  BoundedTable<Asked> sources_;
  BoundedTable<User> users_;
  std::uint32_t eras_ = 0;
  Time swept_{};
  std::atomic<std::size_t> tracked_{0};
};

}  // namespace sipward::guardian

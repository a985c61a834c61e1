#pragma once

#include <cstddef>
#include <cstdint>

#include "ban_record.hpp"
#include "sipward/zeroed_array.hpp"

namespace sipward::guardian {

// Finds a ban's place by its hash. Open addressing in groups: 31 tags of 16 bits fill one cache line, and the
// places stand beside them, so that whoever is not banned costs one line. The last lane of a group counts
// those that stand in a later group because this one was full: 0 ends a search. Any number of threads may ask
// while one changes it (under the lock of the bans); it never grows, a larger one takes its place.
class BanIndex {
 public:
  static constexpr std::size_t kWays = 31;
  static constexpr std::size_t kFill =
      22;  // a group holds so many on average before a larger table is wanted

  explicit BanIndex(std::size_t groups);

  std::size_t groups() const { return groups_; }
  std::size_t octets() const { return groups_ * 3 * sizeof(Line); }
  bool full(std::size_t bans) const { return bans >= groups_ * kFill; }

  // Any thread. kNoBan when there is none.
  BanSlot find(std::uint64_t hash, const BanRecords& records) const;
  // Ask the processor, one after the other, for the lines that find() will look at: the tags, then where the
  // place stands that they speak of, if any, then that record.
  void foresee_tags(std::uint64_t hash) const { __builtin_prefetch(&tags_[home(hash)]); }
  struct Foreseen {
    std::uint32_t* place = nullptr;
    bool none = false;  // it is certain already that find() would find nothing
  };
  Foreseen foresee_place(std::uint64_t hash) const;
  static BanSlot foresee_record(std::uint32_t* place, const BanRecords& records);

  // One thread at a time. The hash is not in it yet; it is in it.
  void insert(std::uint64_t hash, BanSlot slot);
  void erase(std::uint64_t hash, BanSlot slot);

 private:
  static constexpr std::size_t kWords = 8;
  static constexpr std::size_t kLanes = 32;
  // A line of the processor's cache.
  union alignas(64) Line {
    std::uint64_t word[kWords];
    std::uint32_t slot[kLanes / 2];
  };

  std::size_t home(std::uint64_t hash) const {
    return static_cast<std::size_t>((hash >> 32) * groups_ >> 32);
  }
  std::size_t after(std::size_t group) const { return group + 1 == groups_ ? 0 : group + 1; }
  // The lanes of the group that may hold the tag, one bit each: a wrong one only above a right one.
  std::uint32_t matches(std::size_t group, std::uint16_t tag) const;
  std::uint32_t free_lanes(std::size_t group) const;
  std::uint16_t lane(std::size_t group, std::size_t lane) const;
  std::uint32_t& slot(std::size_t group, std::size_t lane) const {
    return slots_[group * 2 + lane / 16].slot[lane % 16];
  }
  void set_lane(std::size_t group, std::size_t lane, std::uint16_t value);
  std::uint16_t passed(std::size_t group) const { return lane(group, kWays); }

  std::size_t groups_;
  ZeroedArray<Line> memory_;
  Line* tags_;   // one for each group
  Line* slots_;  // two
};

}  // namespace sipward::guardian

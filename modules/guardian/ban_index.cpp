#include "ban_index.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <bit>

namespace sipward::guardian {
namespace {

constexpr std::size_t kHuge = (std::size_t{2} << 20) / 64;  // lines of a huge page
constexpr std::uint64_t kOnes = 0x0001000100010001ULL;
constexpr std::uint64_t kHigh = kOnes << 15;

std::uint16_t tag_of(std::uint64_t hash) {
  const auto tag = static_cast<std::uint16_t>(hash);
  return tag == 0 ? 1 : tag;
}

// The highest bit of each lane of 16 bits that is zero, and perhaps of others above such a one.
constexpr std::uint64_t zero_lanes(std::uint64_t x) {
  return (x - kOnes) & ~x & kHigh;
}

// These four bits, at 15, 31, 47 and 63, as the bits 0 to 3.
constexpr std::uint32_t gather(std::uint64_t lanes) {
  return static_cast<std::uint32_t>((lanes >> 15) * 0x0000200040008001ULL >> 45 & 0xF);
}
static_assert(gather(1ULL << 15) == 1 && gather(1ULL << 31) == 2 && gather(1ULL << 47) == 4 &&
              gather(1ULL << 63) == 8 && gather(kHigh) == 15);

}  // namespace

// In huge pages when it is large: random look-ups in small ones miss the processor's table of pages as well.
BanIndex::BanIndex(std::size_t groups)
    : groups_(groups), memory_(groups * 3 + (groups * 3 < kHuge ? 0 : kHuge)), tags_(&memory_[0]) {
  if (groups * 3 >= kHuge) {
    const auto beyond = reinterpret_cast<std::uintptr_t>(tags_) / sizeof(Line) % kHuge;
    tags_ += beyond == 0 ? 0 : kHuge - beyond;
    madvise(tags_, groups * 3 * sizeof(Line), MADV_HUGEPAGE);
  }
  slots_ = tags_ + groups;
}

std::uint32_t BanIndex::matches(std::size_t group, std::uint16_t tag) const {
  const std::uint64_t pattern = tag * kOnes;
  std::array<std::uint64_t, kWords> hits;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    hits[i] = zero_lanes(shared(tags_[group].word[i]).load(std::memory_order_acquire) ^ pattern);
    any |= hits[i];
  }
  if (any == 0) return 0;
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < kWords; ++i) found |= gather(hits[i]) << (4 * i);
  return found & ~(std::uint32_t{1} << kWays);
}

std::uint32_t BanIndex::free_lanes(std::size_t group) const {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < kWays; ++i) found |= lane(group, i) == 0 ? std::uint32_t{1} << i : 0;
  return found;
}

std::uint16_t BanIndex::lane(std::size_t group, std::size_t lane) const {
  const auto word = shared(tags_[group].word[lane / 4]).load(std::memory_order_acquire);
  return static_cast<std::uint16_t>(word >> (lane % 4 * 16));
}

void BanIndex::set_lane(std::size_t group, std::size_t lane, std::uint16_t value) {
  auto word = shared(tags_[group].word[lane / 4]);
  const unsigned shift = lane % 4 * 16;
  const std::uint64_t cleared = word.load(std::memory_order_relaxed) & ~(std::uint64_t{0xFFFF} << shift);
  word.store(cleared | std::uint64_t{value} << shift, std::memory_order_release);
}

BanSlot BanIndex::find(std::uint64_t hash, const BanRecords& records) const {
  const std::uint16_t tag = tag_of(hash);
  std::size_t group = home(hash);
  for (std::size_t seen = 0; seen < groups_; ++seen, group = after(group)) {
    for (std::uint32_t lanes = matches(group, tag); lanes != 0; lanes &= lanes - 1) {
      auto& place = slot(group, static_cast<std::size_t>(std::countr_zero(lanes)));
      const BanSlot slot = std::atomic_ref<std::uint32_t>(place).load(std::memory_order_acquire);
      if (shared(records[slot].hash).load(std::memory_order_acquire) == hash) return slot;
    }
    if (passed(group) == 0) break;
  }
  return kNoBan;
}

BanIndex::Foreseen BanIndex::foresee_place(std::uint64_t hash) const {
  const std::size_t group = home(hash);
  const std::uint32_t lanes = matches(group, tag_of(hash));
  if (lanes == 0) return {nullptr, passed(group) == 0};
  auto* const place = &slot(group, static_cast<std::size_t>(std::countr_zero(lanes)));
  __builtin_prefetch(place);
  return {place, false};
}

BanSlot BanIndex::foresee_record(std::uint32_t* place, const BanRecords& records) {
  const BanSlot slot = std::atomic_ref<std::uint32_t>(*place).load(std::memory_order_acquire);
  __builtin_prefetch(&records[slot], 1);
  return slot;
}

void BanIndex::insert(std::uint64_t hash, BanSlot slot) {
  std::size_t group = home(hash);
  std::uint32_t free = free_lanes(group);
  for (; free == 0; free = free_lanes(group)) {
    set_lane(group, kWays, static_cast<std::uint16_t>(passed(group) + 1));
    group = after(group);
  }
  const auto lane = static_cast<std::size_t>(std::countr_zero(free));
  std::atomic_ref<std::uint32_t>(this->slot(group, lane)).store(slot, std::memory_order_release);
  set_lane(group, lane, tag_of(hash));
}

void BanIndex::erase(std::uint64_t hash, BanSlot slot) {
  std::size_t group = home(hash);
  for (std::size_t seen = 0; seen < groups_; ++seen, group = after(group)) {
    for (std::uint32_t lanes = matches(group, tag_of(hash)); lanes != 0; lanes &= lanes - 1) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(lanes));
      if (this->slot(group, lane) != slot || this->lane(group, lane) != tag_of(hash)) continue;
      set_lane(group, lane, 0);
      for (std::size_t g = home(hash); g != group; g = after(g))
        set_lane(g, kWays, static_cast<std::uint16_t>(passed(g) - 1));
      return;
    }
  }
}

}  // namespace sipward::guardian

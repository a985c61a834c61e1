#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ban_record.hpp"

namespace sipward::guardian {

// The bans in the order of their ids, which only grow: pages of places, a new one at the end. Under the lock
// of the bans, as is all here.
class BanOrder {
 public:
  explicit BanOrder(const BanRecords& records) : records_(records) {}

  std::size_t size() const { return size_; }
  std::size_t octets() const { return pages_.size() * (sizeof(Page) + sizeof(pages_[0])); }
  // Its id is greater than every other.
  void append(BanSlot slot);
  void erase(BanSlot slot);
  BanSlot at(std::uint64_t id) const;  // kNoBan when there is none of that id
  // Calls `visit` for each with a greater id until it returns false.
  template <class Visit>
  void visit(std::uint64_t id, Visit&& visit) const {
    for (std::size_t page = page_of(id), i = first_after(page, id); page < pages_.size(); ++page, i = 0) {
      for (; i < pages_[page]->used; ++i)
        if (!visit(pages_[page]->slot[i])) return;
    }
  }

 private:
  static constexpr std::size_t kPage = 512;
  struct Page {
    std::size_t used = 0;
    BanSlot slot[kPage];
  };
  std::uint64_t id_of(const Page& page, std::size_t i) const { return records_[page.slot[i]].id; }
  std::size_t page_of(std::uint64_t id) const;  // the last that begins with no greater one
  std::size_t first_after(std::size_t page, std::uint64_t id) const;
  void join(std::size_t page);  // with the one behind it, when both are small

  const BanRecords& records_;
  std::vector<std::unique_ptr<Page>> pages_;  // none is empty
  std::size_t size_ = 0;
};

// The bans by their ends: a heap whose places the records know.
class BanEnds {
 public:
  BanEnds(const BanRecords& records, std::size_t capacity) : records_(records), heap_(capacity) {}

  std::size_t size() const { return size_; }
  BanSlot first() const { return size_ == 0 ? kNoBan : heap_[0]; }
  void push(BanSlot slot);
  void erase(BanSlot slot);

 private:
  static constexpr std::size_t kChildren = 4;
  std::uint64_t end_of(BanSlot slot) const { return records_[slot].bite; }
  void put(std::size_t place, BanSlot slot);
  void rise(std::size_t place, BanSlot slot);
  void sink(std::size_t place, BanSlot slot);

  const BanRecords& records_;
  ZeroedArray<BanSlot> heap_;
  std::size_t size_ = 0;
};

}  // namespace sipward::guardian

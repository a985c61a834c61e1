#include "ban_order.hpp"

#include <algorithm>

namespace sipward::guardian {

std::size_t BanOrder::page_of(std::uint64_t id) const {
  const auto after =
      std::upper_bound(pages_.begin(), pages_.end(), id,
                       [&](std::uint64_t wanted, const auto& p) { return wanted < id_of(*p, 0); });
  return after == pages_.begin() ? 0 : static_cast<std::size_t>(after - pages_.begin()) - 1;
}

std::size_t BanOrder::first_after(std::size_t page, std::uint64_t id) const {
  if (page >= pages_.size()) return 0;
  const Page& p = *pages_[page];
  const auto* found = std::upper_bound(
      p.slot, p.slot + p.used, id, [&](std::uint64_t wanted, BanSlot s) { return wanted < records_[s].id; });
  return static_cast<std::size_t>(found - p.slot);
}

void BanOrder::append(BanSlot slot) {
  if (pages_.empty() || pages_.back()->used == kPage) pages_.push_back(std::make_unique<Page>());
  Page& last = *pages_.back();
  last.slot[last.used++] = slot;
  ++size_;
}

void BanOrder::erase(BanSlot slot) {
  const std::uint64_t id = records_[slot].id;
  const std::size_t number = page_of(id);
  Page& page = *pages_[number];
  const std::size_t i = first_after(number, id) - 1;
  std::copy(page.slot + i + 1, page.slot + page.used, page.slot + i);
  --size_;
  if (--page.used == 0) {
    pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(number));
    return;
  }
  join(number);
  if (number != 0) join(number - 1);
}

BanSlot BanOrder::at(std::uint64_t id) const {
  const std::size_t page = page_of(id);
  const std::size_t i = first_after(page, id);
  if (i == 0) return kNoBan;
  const BanSlot slot = pages_[page]->slot[i - 1];
  return records_[slot].id == id ? slot : kNoBan;
}

void BanOrder::join(std::size_t number) {
  if (number + 1 >= pages_.size()) return;
  Page& page = *pages_[number];
  const Page& next = *pages_[number + 1];
  if (page.used + next.used > kPage / 2) return;
  std::copy(next.slot, next.slot + next.used, page.slot + page.used);
  page.used += next.used;
  pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(number) + 1);
}

void BanEnds::put(std::size_t place, BanSlot slot) {
  heap_[place] = slot;
  records_[slot].place = static_cast<std::uint32_t>(place);
}

void BanEnds::rise(std::size_t place, BanSlot slot) {
  while (place != 0) {
    const std::size_t parent = (place - 1) / kChildren;
    if (end_of(heap_[parent]) <= end_of(slot)) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, slot);
}

void BanEnds::sink(std::size_t place, BanSlot slot) {
  for (;;) {
    const std::size_t first = place * kChildren + 1;
    if (first >= size_) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < std::min(first + kChildren, size_); ++child)
      if (end_of(heap_[child]) < end_of(heap_[least])) least = child;
    if (end_of(slot) <= end_of(heap_[least])) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, slot);
}

void BanEnds::push(BanSlot slot) {
  rise(size_++, slot);
}

void BanEnds::erase(BanSlot slot) {
  const std::size_t place = records_[slot].place;
  const BanSlot last = heap_[--size_];
  if (place == size_) return;
  if (place != 0 && end_of(last) < end_of(heap_[(place - 1) / kChildren]))
    rise(place, last);
  else
    sink(place, last);
}

}  // namespace sipward::guardian

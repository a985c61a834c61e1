#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ban.hpp"

namespace sipward::guardian {

// What led to bans, by their ids, in so many octets: that of the oldest ban goes first.
class BanEvidence {
 public:
  struct Item {
    std::vector<Signal> signals;
    std::string excerpt;
  };

  void put(std::uint64_t id, Item item) {
    octets_ += octets_of(item);
    all_.emplace(id, std::move(item));
  }
  std::size_t octets() const { return octets_; }
  const Item* find(std::uint64_t id) const {
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : &found->second;
  }
  void erase(std::uint64_t id) {
    if (const auto found = all_.find(id); found != all_.end()) drop(found);
  }
  void keep_within(std::size_t octets) {
    while (octets_ > octets) drop(all_.begin());
  }

 private:
  using All = std::map<std::uint64_t, Item>;
  static std::size_t octets_of(const Item& item) {
    // With what a node of the map and three pieces of memory cost.
    return sizeof(All::value_type) + 80 + item.signals.capacity() * sizeof(Signal) + item.excerpt.capacity();
  }
  void drop(All::iterator entry) {
    octets_ -= octets_of(entry->second);
    all_.erase(entry);
  }

  All all_;
  std::size_t octets_ = 0;
};

}  // namespace sipward::guardian

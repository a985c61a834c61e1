#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "ban.hpp"
#include "ban_evidence.hpp"
#include "ban_hash.hpp"
#include "ban_index.hpp"
#include "ban_order.hpp"
#include "ban_record.hpp"
#include "ban_texts.hpp"
#include "sipward/published.hpp"

namespace sipward::guardian {

// All bans of an instance, once for everybody: about 80 octets each. BanStore changes it under its lock, and
// everything that says nothing else here is for whoever holds that; workers look bans up without a lock
// (BanView).
class BanTable {
 public:
  // Room for so many bans, with some more that ended and were not told of yet. Memory is taken as they come;
  // what led to them is kept as far as it fits into `memory` octets with them, that of the newest, and in a
  // twelfth of it in any case.
  static constexpr std::size_t kMemory = std::size_t{96} << 20;
  BanTable(const HashKey& key, std::size_t bans, std::size_t memory = kMemory);
  BanTable(const BanTable&) = delete;
  BanTable& operator=(const BanTable&) = delete;

  const BanHash& hash() const { return hash_; }  // any thread
  std::size_t size() const { return order_.size(); }
  std::size_t narrow() const { return narrow_keys_.size(); }
  // Of memory, as it is used now.
  std::size_t octets() const;

  BanSlot find(std::uint64_t hash) const { return index_->find(hash, records_); }
  BanSlot at(std::uint64_t id) const { return order_.at(id); }
  // Takes a ban in, in the place of one of the same target. Its id is greater than every other; there must be
  // room.
  BanSlot put(Ban&& ban);
  // Out of force, and of the table.
  void erase(BanSlot slot);
  // The same, but it waits at the end of a line for next_ended(); when the line is too long the first one
  // goes.
  void end(BanSlot slot);
  BanPtr next_ended();
  BanPtr read(BanSlot slot) const;

  const BanRecord& record(BanSlot slot) const { return records_[slot]; }
  const std::string& reason(BanSlot slot) const { return texts_[records_[slot].reason]; }
  static bool is_narrow(const BanRecord& record);
  // Whether its target lies inside the prefix.
  bool inside(const Cidr& prefix, BanSlot slot) const;
  // The one that ends first.
  BanSlot first_to_end() const { return ends_.first(); }
  template <class Visit>
  void visit(std::uint64_t after, Visit&& visit) const {
    order_.visit(after, visit);
  }
  // Flows and identities whose base is from `first` to `last`.
  template <class Visit>
  void visit_narrow(const Address& first, const Address& last, Visit&& visit) const {
    for (auto i = narrow_keys_.lower_bound({first, Scope::address, 0, 0, 0});
         i != narrow_keys_.end() && i->base <= last; ++i)
      visit(i->scope, i->slot);
  }

  // What workers read.
  struct Lengths {
    std::atomic<std::uint64_t> v4{0};                // bit n: there are bans of that prefix length
    std::array<std::atomic<std::uint64_t>, 3> v6{};  // 64 bits each
  };
  const Lengths& lengths() const { return lengths_; }
  const Published<BanIndex>& index() const { return published_; }
  const BanRecords& records() const { return records_; }
  bool has_narrow() const { return narrow_count_.load(std::memory_order_relaxed) != 0; }
  // Grows with every ban that comes: while it is the same, who was not banned is not.
  std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }
  bool empty() const { return count_.load(std::memory_order_relaxed) == 0; }

 private:
  static constexpr std::size_t kFirstGroups = 64;
  static constexpr std::size_t kWaiting = 4'096;

  struct NarrowKey {
    Address base;
    Scope scope;
    Port port;
    std::uint64_t user;
    BanSlot slot;
    friend auto operator<=>(const NarrowKey&, const NarrowKey&) = default;
  };
  struct Narrow {
    NarrowKey key;
    std::string user_text;
  };

  BanSlot take_place();
  void give_back(BanSlot slot);
  void link(BanSlot slot, Ban&& ban);
  void unlink(BanSlot slot);
  void forget(BanSlot slot);  // texts and evidence
  void count(const BanRecord& record, int by);
  void grow();
  Cidr prefix_of(BanSlot slot) const;

  BanHash hash_;
  std::size_t most_, memory_;
  BanRecords records_;
  BanOrder order_;
  BanEnds ends_;
  BanTexts texts_;
  BanEvidence evidence_;
  std::set<NarrowKey> narrow_keys_;
  std::unordered_map<BanSlot, Narrow> narrow_;
  BanSlot free_ = kNoBan, first_ended_ = kNoBan, last_ended_ = kNoBan;
  std::size_t touched_ = 0, ended_ = 0;
  std::array<std::uint32_t, 33> v4_{};  // bans of each prefix length
  std::array<std::uint32_t, 129> v6_{};
  Lengths lengths_;
  std::atomic<std::size_t> count_{0}, narrow_count_{0};
  std::atomic<std::uint64_t> changes_{1};
  std::shared_ptr<BanIndex> index_;
  Published<BanIndex> published_;
};

}  // namespace sipward::guardian

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ban_table.hpp"
#include "bounded_table.hpp"
#include "sipward/net.hpp"

namespace sipward::guardian {

// What a look-up found: a ban that holds, or nothing.
class BanBite {
 public:
  BanBite() = default;
  BanBite(std::uint64_t* hits, std::uint64_t bite)
      : automatic((bite & BanRecord::kAutomatic) != 0),
        found_(true),
        wide_((bite & BanRecord::kWide) != 0),
        hits_(hits) {}
  explicit operator bool() const { return found_; }
  // Counts a packet. At once after the look-up: the place of a ban that ends may be another's later. Of one
  // source all packets come to one worker, so only a wide ban is counted by several.
  void hit() const {
    if (!hits_) return;
    const auto hits = shared(*hits_);
    if (wide_)
      hits.fetch_add(1, std::memory_order_relaxed);
    else
      hits.store(hits.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  bool automatic = false;

 private:
  bool found_ = false, wide_ = false;
  std::uint64_t* hits_ = nullptr;
};

// The bans as one worker asks for them, for every packet: those of the table, and those that the limit kept
// out of it, which hold for this worker alone. For prefixes it asks once for each prefix length in use, so
// among single addresses it costs one hash, and whoever is not banned one cache line. Expiry is checked when
// read. Neither allocates nor locks. Belongs to one worker.
class BanView {
 public:
  explicit BanView(std::shared_ptr<const BanTable> table)
      : table_(std::move(table)), index_(table_->index()), local_(kLocal) {}

  // True when nothing at all is banned: then nobody needs to ask.
  bool empty() const { return table_->empty() && local_.size() == 0; }
  // Whether anything but addresses and networks is banned, so that find_identity and find_flow matter.
  bool has_narrow() const { return table_->has_narrow() || local_.size() != 0; }

  // Look-ups of these addresses are coming: gets what they need from memory for all of them at a time.
  void foresee(std::span<const Address> addresses);
  // The live ban that covers the address.
  BanBite find(const Address& address, Time now);
  BanBite find_flow(const Endpoint& flow, Time now);
  // `host` as source_of() gives it, `user` the keyed hash of the user.
  BanBite find_identity(const Address& host, std::uint64_t user, Time now);

  // Holds on this worker alone.
  void ban_here(const Ban& ban, Time until, Time now);
  void forget(const Cidr& prefix);  // what holds here alone and lies inside

 private:
  static constexpr std::size_t kLocal = 16'384;
  struct Local {
    Time expires{};
    Address base;
    std::uint8_t bits;
  };
  // What was worked out for an address not long ago.
  static constexpr std::size_t kRemembered = 128;
  struct Remembered {
    std::array<std::uint64_t, 2> address{};
    std::uint64_t hash = 0;   // of the host; 0: none
    std::uint64_t as_of = 0;  // BanTable::changes() when `slot` was true; 0: it is a guess
    BanSlot slot = kNoBan;
    bool v4 = false;
  };
  BanBite lookup(std::uint64_t hash, Time now);
  BanBite lookup_host(Remembered& known, Time now);
  BanBite judge(std::uint64_t hash, BanSlot slot, Time now);
  Remembered& remember(const Address& address);

  std::shared_ptr<const BanTable> table_;
  Published<BanIndex>::Reader index_;
  BoundedTable<Local> local_;
  std::array<Remembered, kRemembered> remembered_{};
  std::uint64_t local_v4_ = 0;  // prefix lengths in it, as BanTable::Lengths
  std::array<std::uint64_t, 3> local_v6_{};
};

}  // namespace sipward::guardian

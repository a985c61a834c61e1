#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ban.hpp"
#include "sipward/net.hpp"

namespace sipward::guardian {

// The bans as one worker sees them: asked for every packet, changed for every ban. One flat table with linear
// probing, keyed by a secret hash of what is banned; for prefixes it asks once for each prefix length in use,
// so a table of single addresses costs one hash and usually one cache line, which for whoever is not banned
// is one of `tags_`, a table small enough to stay in the cache of the processor. Expiry is checked when read.
// Inserting may allocate; asking never does. Belongs to one worker.
class BanView {
 public:
  explicit BanView(const HashKey& key) : key_(key) {}

  // True when nothing at all is banned: then nobody needs to ask.
  bool empty() const { return used_ == 0; }
  // Whether anything but addresses and networks is banned, so that find_identity and find_flow matter.
  bool has_narrow() const { return narrow_ != 0; }

  // The live ban that covers the address, or nullptr. Valid until the next insert, erase or expire.
  const Ban* find(const Address& address, Time now) const;
  const Ban* find_flow(const Endpoint& flow, Time now) const;
  // `address` as ban_prefix() gives it for a host, `user` the keyed hash of the user.
  const Ban* find_identity(const Address& address, std::uint64_t user, Time now) const;

  // Takes the ban in; it replaces one of the same scope and target.
  void insert(BanPtr ban);
  void erase(const Ban& ban);
  void forget(const Cidr& prefix);  // every ban, of any scope, whose target lies inside
  void expire(Time now);            // gives back the places of what has expired
  std::size_t size() const { return used_; }

 private:
  struct Place {
    std::uint64_t hash = 0;  // 0: free
    Time expires{};
    BanPtr ban;
  };

  std::uint64_t hash_of(const Ban& ban) const;
  std::uint64_t hash_prefix(const Address& masked, unsigned bits) const;
  std::uint64_t hash_narrow(const Address& address, std::uint64_t what) const;
  const Ban* lookup(std::uint64_t hash, Time now) const;
  std::size_t home(std::uint64_t hash) const { return hash & (places_.size() - 1); }
  void place(Place&& entry);
  void remove_at(std::size_t index);
  void count(const Ban& ban, int by);
  void grow();
  template <class Condition>
  void remove_if(Condition&& condition);

  HashKey key_;
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32) | 1; }

  std::vector<std::uint32_t> tags_;  // of the places: 0 where one is free
  std::vector<Place> places_;
  std::size_t used_ = 0;
  std::size_t narrow_ = 0;
  std::array<std::uint32_t, 33> v4_lengths_{};  // bans of each prefix length
  std::array<std::uint32_t, 129> v6_lengths_{};
  std::vector<std::uint8_t> v4_in_use_, v6_in_use_;
};

// What identity and flow bans cover: IPv4 the address, IPv6 its /64 (source_of).
Cidr host_prefix(const Address& address);

}  // namespace sipward::guardian

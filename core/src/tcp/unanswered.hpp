#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sipward/packet.hpp"
#include "sources/bounded_table.hpp"

namespace sipward {

// Requests that were passed on and have no answer yet. Whoever waits for answers can't have many more
// questions in the air, however fast it asks and however slow the upstream is. One worker's.
class Unanswered {
 public:
  static constexpr std::size_t kPerConnection = 64;
  // Of a source that nothing vouches for, over all its connections, also those that it closed meanwhile: a
  // scanner learns nothing from an answer that it does not wait for, but the upstream has the work.
  static constexpr std::size_t kPerStranger = 8;
  static constexpr auto kPatience = std::chrono::seconds(32);  // Timer F (RFC 3261 17.1.2.2)

  // The ones of a connection that is known.
  class Known {
   public:
    void add(std::uint64_t request, Time now);
    bool remove(std::uint64_t request);
    bool full(Time now);

   private:
    struct Entry {
      std::uint64_t request;
      Time until;
    };
    std::vector<Entry> entries_;  // at most kPerConnection; the oldest first
  };

  explicit Unanswered(const HashKey& key) : key_(key), strangers_(kStrangers) {}

  // Of a source that is not. A request that is there already is a retransmission.
  void add(const Address& source, ConnectionId connection, std::uint64_t request, Time now);
  bool remove(const Address& source, std::uint64_t request, Time now);
  // The upstream ended that connection: no answer will come, and that is not the client's fault.
  void forget(const Address& source, ConnectionId connection, Time now);
  bool full(const Address& source, Time now) const;

 private:
  static constexpr std::size_t kStrangers = 1 << 13;
  struct Entry {
    std::uint64_t request = 0;  // 0: free
    ConnectionId connection = 0;
    Time until{};
  };
  struct Stranger {
    std::uint64_t key = 0;
    Time expires{};
    std::array<Entry, kPerStranger> entries;
  };
  std::uint64_t key_of(const Address& source) const;

  HashKey key_;
  BoundedTable<Stranger> strangers_;
};

}  // namespace sipward

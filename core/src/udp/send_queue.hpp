#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sipward/net.hpp"

namespace sipward {

// One socket as a SendQueue sees it. Lives with the socket; must not move while datagrams are queued.
struct SendTarget {
  int fd = -1;
  bool v6 = false;  // an AF_INET6 socket: IPv4 goes out as a mapped address
  bool connected = false;
  bool choose_source = false;  // a wildcard socket: leave from the address that was asked
  std::int32_t first = -1;     // the queue's own
  std::int32_t last = -1;
};

// Datagrams of one batch, copied, and sent with one sendmmsg per socket at its end. One per worker. What the
// kernel does not take at once is dropped and counted: UDP's sender repeats, and waiting would hold up
// others.
class SendQueue {
 public:
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
  };
  SendQueue();

  // `to` is needed unless the socket is connected; `from` only matters with choose_source.
  void add(SendTarget& target, std::string_view octets, const Endpoint* to, const Address* from);
  void flush();
  // Forgets what is queued for a socket that is about to be closed.
  void forget(SendTarget& target);
  bool empty() const { return items_.empty(); }
  const Counts& counts() const { return counts_; }

 private:
  static constexpr std::size_t kArena = std::size_t{512} * 1024;
  static constexpr std::size_t kMaxItems = 256;
  struct alignas(cmsghdr) Control {
    char octets[CMSG_SPACE(sizeof(in6_pktinfo))];
  };
  struct Item {
    std::size_t offset, size;
    sockaddr_in6 name;
    socklen_t name_size = 0;
    Control control;
    std::size_t control_size = 0;
    std::int32_t next = -1;
  };
  void send(SendTarget& target);

  std::unique_ptr<char[]> arena_;
  std::size_t used_ = 0;
  std::vector<Item> items_;
  std::vector<SendTarget*> dirty_;
  std::vector<mmsghdr> headers_;
  std::vector<iovec> pieces_;
  Counts counts_;
};

}  // namespace sipward

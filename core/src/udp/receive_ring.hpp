#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "sipward/net.hpp"

namespace sipward {

// Drains UDP sockets in gulps of 32 datagrams, each up to 64 KiB whole. One per worker, shared by all its
// sockets: what it hands out is valid until the next gulp.
class ReceiveRing {
 public:
  static constexpr std::size_t kSlots = 32;
  static constexpr std::size_t kMaxDatagram = 65'535;
  static constexpr int kRounds = 4;  // gulps per wake-up of one socket, so that no socket starves the others

  ReceiveRing();

  struct Datagram {
    std::string_view octets;
    Endpoint from;  // unspecified for a connected socket when `connected` was asked
    Address to;     // the address that the sender used; unspecified when the socket does not tell
  };
  struct Result {
    std::size_t received = 0;
    std::size_t truncated = 0;  // longer than a slot; dropped
    bool emptied = false;       // nothing was left for the next wake-up
    bool icmp_error = false;    // a past send's; what waits behind it is read at the next wake-up
  };
  // Hands each waiting datagram to `take`, and calls `gulp_done` after each gulp. With `connected` the sender
  // is not looked at.
  template <class Take, class Done>
  Result drain(int fd, bool connected, Take&& take, Done&& gulp_done) {
    Result result;
    for (int round = 0; round < kRounds; ++round) {
      const std::size_t count = gulp(fd, connected);
      for (std::size_t i = 0; i < count; ++i) {
        Datagram datagram;
        if (read_slot(i, connected, datagram)) {
          ++result.received;
          take(datagram);
        } else {
          ++result.truncated;
        }
      }
      if (count != 0) gulp_done();
      result.icmp_error = result.icmp_error || icmp_error_;
      result.emptied = count < kSlots;
      if (result.emptied) break;
    }
    return result;
  }

 private:
  // A stride of exactly 64 KiB would put the head of every slot into the same few cache sets.
  static constexpr std::size_t kStride = 65'536 + 1'088;
  std::size_t gulp(int fd, bool connected);
  bool read_slot(std::size_t slot, bool connected, Datagram& out) const;

  std::unique_ptr<char[]> memory_;
  bool icmp_error_ = false;  // of the last gulp
  std::array<mmsghdr, kSlots> headers_{};
  std::array<iovec, kSlots> pieces_{};
  std::array<sockaddr_in6, kSlots> names_{};
  struct alignas(cmsghdr) Control {
    char octets[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo))];
  };
  std::array<Control, kSlots> controls_{};
};

}  // namespace sipward

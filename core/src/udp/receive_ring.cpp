#include "udp/receive_ring.hpp"

#include <cerrno>
#include <cstring>

namespace sipward {

ReceiveRing::ReceiveRing() : memory_(new char[kSlots * kStride]) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    pieces_[i] = {memory_.get() + i * kStride, kMaxDatagram};
    headers_[i].msg_hdr.msg_iov = &pieces_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

std::size_t ReceiveRing::gulp(int fd, bool connected) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    auto& h = headers_[i].msg_hdr;
    h.msg_name = connected ? nullptr : &names_[i];
    h.msg_namelen = connected ? 0 : sizeof names_[i];
    h.msg_control = connected ? nullptr : &controls_[i];
    h.msg_controllen = connected ? 0 : sizeof controls_[i];
    h.msg_flags = 0;
  }
  const int count = recvmmsg(fd, headers_.data(), kSlots, MSG_DONTWAIT, nullptr);
  icmp_error_ = count < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool ReceiveRing::read_slot(std::size_t slot, bool connected, Datagram& out) const {
  const auto& h = headers_[slot].msg_hdr;
  if (h.msg_flags & MSG_TRUNC) return false;
  out.octets = {memory_.get() + slot * kStride, headers_[slot].msg_len};
  if (connected) return true;
  out.from = Endpoint::from(reinterpret_cast<const sockaddr*>(&names_[slot]));
  if (h.msg_controllen == 0 || (h.msg_flags & MSG_CTRUNC)) return true;
  auto* header = const_cast<msghdr*>(&h);
  for (auto* c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      out.to = Address::v4(ntohl(info.ipi_addr.s_addr));
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      std::array<std::uint8_t, 16> octets;
      std::memcpy(octets.data(), &info.ipi6_addr, 16);
      out.to = Address::v6(octets);
    }
  }
  return true;
}

}  // namespace sipward

#include "udp/sockets.hpp"

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sipward {
namespace {

constexpr std::uint32_t kSpread = 2654435761U;  // Knuth's multiplicative hash
constexpr int kReceiveBuffer = 8 << 20;

bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Buffers beyond the system's maximum need a privilege; without it as much as is allowed.
void widen_buffers(int fd) {
  for (const auto& [force, plain] :
       {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}})
    if (!set(fd, SOL_SOCKET, force, kReceiveBuffer)) set(fd, SOL_SOCKET, plain, kReceiveBuffer);
}

// Picks the member of the group by source address; needs no privilege. The arithmetic is steer()'s.
bool attach_steering(int fd, std::size_t count) {
  const auto n = static_cast<std::uint32_t>(count);
  const auto net = static_cast<std::uint32_t>(SKF_NET_OFF);
  std::array<sock_filter, 16> code = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, net),       // version and header length
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),        //
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 2),  // IPv4?
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 12),  // its source
      BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0),           //
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 8),   // IPv6: source, first half of the /64
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, kSpread),  //
      BPF_STMT(BPF_MISC | BPF_TAX, 0),               //
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + 12),  // second half
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),        //
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, kSpread),  // both: spread
      BPF_STMT(BPF_MISC | BPF_TAX, 0),               //
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),       //
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),        //
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),        //
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  sock_fprog program{16, code.data()};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

FileDescriptor make_socket(const ListenSpec& spec, bool& v6) {
  const int type = (is_stream(spec.transport) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const bool wildcard = spec.endpoint.address.is_unspecified();
  v6 = !spec.endpoint.address.is_v4();
  FileDescriptor fd;
  if (v6) fd = FileDescriptor(::socket(AF_INET6, type, 0));
  if (!fd && (!v6 || (wildcard && spec.any_family))) {
    v6 = false;
    fd = FileDescriptor(::socket(AF_INET, type, 0));
  }
  if (fd && v6) set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, wildcard && spec.any_family ? 0 : 1);
  return fd;
}

bool bind_to(int fd, const Endpoint& endpoint, bool v6) {
  sockaddr_in6 name{};
  const auto size = to_sockaddr(endpoint, v6, name);
  return bind(fd, reinterpret_cast<const sockaddr*>(&name), size) == 0;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int FileDescriptor::release() {
  return std::exchange(fd_, -1);
}

socklen_t to_sockaddr(const Endpoint& endpoint, bool v6_socket, sockaddr_in6& out) {
  out = {};
  if (!v6_socket) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(endpoint.address.is_v4() ? endpoint.address.v4_value() : INADDR_ANY);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(endpoint.port);
  std::memcpy(&out.sin6_addr, endpoint.address.octets().data(), 16);
  return sizeof out;
}

std::size_t write_source(const Address& from, char* out) {
  auto* header = reinterpret_cast<cmsghdr*>(out);
  if (from.is_v4()) {  // a dual-stack socket takes this one too
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(from.v4_value());
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, from.octets().data(), 16);
  header->cmsg_level = IPPROTO_IPV6;
  header->cmsg_type = IPV6_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

FileDescriptor open_listener(const ListenSpec& spec, bool first, std::size_t count, bool& v6, bool& steered) {
  auto fd = make_socket(spec, v6);
  if (!fd) return fd;
  const int s = fd.get();
  const bool wildcard = spec.endpoint.address.is_unspecified();
  if (is_stream(spec.transport)) set(s, SOL_SOCKET, SO_REUSEADDR, 1);
  set(s, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!is_stream(spec.transport)) {
    widen_buffers(s);
    if (wildcard) {
      // The IPv6 one tells mapped addresses too.
      v6 ? set(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(s, IPPROTO_IP, IP_PKTINFO, 1);
    }
    set(s, IPPROTO_IP, IP_MTU_DISCOVER,
        IP_PMTUDISC_DONT);  // RFC 3261 18.1.1 is the originator's; we fragment
  }
  if (!bind_to(s, spec.endpoint, v6)) return FileDescriptor();
  if (is_stream(spec.transport) && listen(s, 1024) != 0) return FileDescriptor();
  if (first) steered = count == 1 || attach_steering(s, count);
  return fd;
}

bool address_is_free(const ListenSpec& spec) {
  bool v6 = false;
  const auto fd = make_socket(spec, v6);
  if (!fd) return false;
  if (is_stream(spec.transport)) set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  return bind_to(fd.get(), spec.endpoint, v6);
}

Port bound_port(int fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  return Endpoint::from(reinterpret_cast<const sockaddr*>(&name)).port;
}

FileDescriptor open_udp_client(const Endpoint& local, const Endpoint* remote, bool& v6) {
  v6 = remote ? !remote->address.is_v4() : !local.address.is_v4();
  FileDescriptor fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  set(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  set(fd.get(), SOL_SOCKET, SO_RCVBUF, 1 << 20);
  const bool any = local.address.is_unspecified() && local.port == 0;
  if (!any && !bind_to(fd.get(), local, v6)) return FileDescriptor();
  if (remote) {
    sockaddr_in6 name{};
    const auto size = to_sockaddr(*remote, v6, name);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0) return FileDescriptor();
  }
  return fd;
}

std::size_t steer(const Address& source, std::size_t count) {
  std::uint32_t a = 0;
  if (source.is_v4()) {
    a = source.v4_value();
  } else {
    a = static_cast<std::uint32_t>(source.high()) ^
        (static_cast<std::uint32_t>(source.high() >> 32) * kSpread);
  }
  a *= kSpread;
  a ^= a >> 16;
  return a % static_cast<std::uint32_t>(count);
}

}  // namespace sipward

#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <string>

#include "sipward/net.hpp"

namespace sipward {

// A file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const { return fd_; }
  int release();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Writes the address for a socket of that family; returns its size.
socklen_t to_sockaddr(const Endpoint& endpoint, bool v6_socket, sockaddr_in6& out);
// Writes the control message that chooses the source address; `out` has room for an in6_pktinfo. Returns its
// size.
std::size_t write_source(const Address& from, char* out);

// What a listener binds: one address, or all of them (dual-stack where IPv6 exists).
struct ListenSpec {
  Transport transport = Transport::udp;
  Endpoint endpoint;       // unspecified address: every interface
  bool any_family = true;  // with an unspecified address: IPv4 too
};

// A bound (TCP: listening) non-blocking socket of a group of `count` that share the address: the kernel gives
// all of one source address to one of them, the one that steer() names (IPv6: by /64). Open them in order, 0
// first. Invalid with errno set on failure.
FileDescriptor open_listener(const ListenSpec& spec, bool first, std::size_t count, bool& v6, bool& steered);
// Whether somebody else already listens there (errno tells); true means free.
bool address_is_free(const ListenSpec& spec);
// The port that a socket is bound to.
Port bound_port(int fd);

// A UDP socket towards an upstream. Invalid with errno set on failure.
FileDescriptor open_udp_client(const Endpoint& local, const Endpoint* remote, bool& v6);

// The member of a group of `count` that owns a source address; the same arithmetic as the kernel program's.
std::size_t steer(const Address& source, std::size_t count);

}  // namespace sipward

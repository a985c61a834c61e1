// The floor: what carrying a datagram there and a reply back costs when nothing is read of either.
// One thread, epoll, recvmmsg and sendmmsg, one connected upstream socket per client address and port.
// What a SIP guard costs above this is its own.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "flags.hpp"
#include "net.hpp"

namespace sipward::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestDatagram = 4096;  // longer ones are cut: the load has none
constexpr std::uint32_t kListener = 0xffff'ffff;
constexpr std::uint32_t kSignals = 0xffff'fffe;

struct Client {
  sockaddr_in address{};
  Fd upstream;
};

// Open addressing, at most half full, entries are never removed: a benchmark's clients are few and stay.
class ClientTable final {
 public:
  explicit ClientTable(std::size_t limit) : slots_(std::bit_ceil(limit * 2)), limit_(limit) {}

  [[nodiscard]] Client& at(std::uint32_t slot) { return slots_[slot]; }

  // The client's slot, or the empty one where it belongs.
  [[nodiscard]] std::uint32_t find(const sockaddr_in& address) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = (address.sin_addr.s_addr * 2654435761U ^ address.sin_port * 40503U) & mask;
    while (slots_[slot].upstream && !same(slots_[slot].address, address)) slot = (slot + 1) & mask;
    return static_cast<std::uint32_t>(slot);
  }

  [[nodiscard]] bool full() const { return used_ == limit_; }

  void fill(std::uint32_t slot, const sockaddr_in& address, Fd upstream) {
    slots_[slot].address = address;
    slots_[slot].upstream = std::move(upstream);
    ++used_;
  }

  [[nodiscard]] std::size_t used() const { return used_; }

  [[nodiscard]] static bool same(const sockaddr_in& a, const sockaddr_in& b) {
    return a.sin_addr.s_addr == b.sin_addr.s_addr && a.sin_port == b.sin_port;
  }

 private:
  std::vector<Client> slots_;
  std::size_t limit_;
  std::size_t used_ = 0;
};

enum class Senders { wanted, known };

class Batch final {
 public:
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {buffers_[i].data(), kLargestDatagram};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Fills the batch and returns how many came.
  [[nodiscard]] std::size_t receive(int fd, Senders senders) {
    for (std::size_t i = 0; i < dirty_; ++i) parts_[i].iov_len = kLargestDatagram;
    for (std::size_t i = 0; i < kBatch; ++i) {
      messages_[i].msg_hdr.msg_name = senders == Senders::wanted ? &senders_[i] : nullptr;
      messages_[i].msg_hdr.msg_namelen = senders == Senders::wanted ? sizeof senders_[i] : 0;
    }
    const int count = ::recvmmsg(fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    dirty_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    for (std::size_t i = 0; i < dirty_; ++i) parts_[i].iov_len = messages_[i].msg_len;
    return dirty_;
  }

  [[nodiscard]] const sockaddr_in& sender(std::size_t i) const { return senders_[i]; }

  // Sends [first, last) to `peer`, or where the socket is connected to; returns how many were lost.
  [[nodiscard]] std::size_t send(int fd, std::size_t first, std::size_t last, sockaddr_in* peer) {
    for (std::size_t i = first; i < last; ++i) {
      messages_[i].msg_hdr.msg_name = peer;
      messages_[i].msg_hdr.msg_namelen = peer != nullptr ? sizeof *peer : 0;
    }
    std::size_t lost = 0;
    while (first < last) {
      const int sent = ::sendmmsg(fd, &messages_[first], static_cast<unsigned>(last - first), 0);
      // An error belongs to the first message left; the ones after it still have their chance.
      if (sent <= 0) ++lost;
      first += sent > 0 ? static_cast<std::size_t>(sent) : 1;
    }
    return lost;
  }

 private:
  std::array<std::array<char, kLargestDatagram>, kBatch> buffers_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
  std::array<sockaddr_in, kBatch> senders_{};
  std::size_t dirty_ = 0;
};

class Relay final {
 public:
  Relay(const sockaddr_in& listen, const sockaddr_in& upstream, std::size_t clients)
      : listener_(bound_udp(listen)), upstream_(upstream), epoll_(make_epoll()), clients_(clients) {
    if (!watch(epoll_, listener_.get(), kListener)) fail("epoll_ctl");
  }

  [[nodiscard]] sockaddr_in address() const { return local_endpoint(listener_); }

  void run_until_signal(const Fd& signals) {
    if (!watch(epoll_, signals.get(), kSignals)) fail("epoll_ctl");
    std::array<epoll_event, kBatch> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), kBatch, -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const std::uint32_t key = events[static_cast<std::size_t>(i)].data.u32;
        if (key == kSignals) return;
        if (key == kListener) {
          carry_requests();
        } else {
          carry_replies(clients_.at(key));
        }
      }
    }
  }

  void report() const {
    std::fprintf(stderr, "relay: %zu clients, %zu datagrams lost, %zu from clients above the limit\n",
                 clients_.used(), lost_, refused_);
  }

 private:
  void carry_requests() {
    const std::size_t count = batch_.receive(listener_.get(), Senders::wanted);
    for (std::size_t first = 0, last = 0; first < count; first = last) {
      const sockaddr_in& sender = batch_.sender(first);
      for (last = first + 1; last < count && ClientTable::same(batch_.sender(last), sender);) ++last;
      if (const int fd = upstream_of(sender); fd >= 0) {
        lost_ += batch_.send(fd, first, last, nullptr);
      } else {
        refused_ += last - first;
      }
    }
  }

  void carry_replies(Client& client) {
    const std::size_t count = batch_.receive(client.upstream.get(), Senders::known);
    lost_ += batch_.send(listener_.get(), 0, count, &client.address);
  }

  // The client's upstream socket, made when it is new; -1 when there is no room for another.
  [[nodiscard]] int upstream_of(const sockaddr_in& client) {
    const std::uint32_t slot = clients_.find(client);
    if (!clients_.at(slot).upstream) {
      if (clients_.full()) return -1;
      Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (!socket) return -1;
      if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&upstream_), sizeof upstream_) != 0 ||
          !watch(epoll_, socket.get(), slot)) {
        return -1;
      }
      clients_.fill(slot, client, std::move(socket));
    }
    return clients_.at(slot).upstream.get();
  }

  Fd listener_;
  sockaddr_in upstream_;
  Fd epoll_;
  ClientTable clients_;
  Batch batch_;
  std::size_t lost_ = 0;
  std::size_t refused_ = 0;
};

constexpr std::array kFlags{
    Flag{"--listen", FlagKind::required, "", "IP:PORT to listen on; port 0 takes a free one"},
    Flag{"--upstream", FlagKind::required, "", "IP:PORT that everything is carried to"},
    Flag{"--clients", FlagKind::optional, "16384", "client addresses and ports served at most"},
};

int relay_main(const Flags& flags) {
  const auto clients = static_cast<std::size_t>(flags.integer("--clients", 1, 1 << 20));
  raise_open_files();
  const Fd signals = stop_signals();
  Relay relay(parse_endpoint(flags.text("--listen")), parse_endpoint(flags.text("--upstream")), clients);
  std::fprintf(stderr, "relay: serving on %s\n", to_text(relay.address()).c_str());
  relay.run_until_signal(signals);
  relay.report();
  return 0;
}

}  // namespace
}  // namespace sipward::bench

int main(int count, char** values) {
  using namespace sipward::bench;
  return run_program("bench_relay", kFlags, {values + 1, values + count}, relay_main);
}

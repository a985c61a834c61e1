// The floor for packets that nobody wants: receives in batches, as a server does, and forgets. What a guard
// spends on a banned source's packet above this is its own.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "flags.hpp"
#include "net.hpp"

namespace sipward::bench {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kLargestDatagram = 4096;
constexpr std::uint32_t kListener = 1;
constexpr std::uint32_t kSignals = 2;

// One batch per wake-up and sender addresses as well: what a server can't do without.
class Sink final {
 public:
  explicit Sink(const sockaddr_in& listen) : listener_(bound_udp(listen)), epoll_(make_epoll()) {
    if (!watch(epoll_, listener_.get(), kListener)) fail("epoll_ctl");
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {buffers_[i].data(), kLargestDatagram};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &senders_[i];
    }
  }

  [[nodiscard]] sockaddr_in address() const { return local_endpoint(listener_); }
  [[nodiscard]] std::size_t taken() const { return taken_; }

  void run_until_signal(const Fd& signals) {
    if (!watch(epoll_, signals.get(), kSignals)) fail("epoll_ctl");
    std::array<epoll_event, 2> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        if (events[static_cast<std::size_t>(i)].data.u32 == kSignals) return;
        receive();
      }
    }
  }

 private:
  void receive() {
    for (auto& message : messages_) message.msg_hdr.msg_namelen = sizeof(sockaddr_in);
    const int count = ::recvmmsg(listener_.get(), messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count > 0) taken_ += static_cast<std::size_t>(count);
  }

  Fd listener_;
  Fd epoll_;
  std::array<std::array<char, kLargestDatagram>, kBatch> buffers_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
  std::array<sockaddr_in, kBatch> senders_{};
  std::size_t taken_ = 0;
};

constexpr std::array kFlags{
    Flag{"--listen", FlagKind::required, "", "IP:PORT to listen on; port 0 takes a free one"}};

int sink_main(const Flags& flags) {
  const Fd signals = stop_signals();
  Sink sink(parse_endpoint(flags.text("--listen")));
  std::fprintf(stderr, "sink: serving on %s\n", to_text(sink.address()).c_str());
  sink.run_until_signal(signals);
  std::fprintf(stderr, "sink: %zu datagrams\n", sink.taken());
  return 0;
}

}  // namespace
}  // namespace sipward::bench

int main(int count, char** values) {
  using namespace sipward::bench;
  return run_program("bench_sink", kFlags, {values + 1, values + count}, sink_main);
}

#include "udp/receive_ring.hpp"

#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

struct Reader {
  ReceiveRing ring;
  std::vector<std::pair<Endpoint, std::string>> taken;
  int gulps = 0;
  ReceiveRing::Result drain(int fd, bool connected = false) {
    return ring.drain(
        fd, connected,
        [this](const ReceiveRing::Datagram& d) { taken.emplace_back(d.from, std::string(d.octets)); },
        [this](std::size_t) { ++gulps; });
  }
};

}  // namespace

TEST_CASE("the greatest datagrams arrive whole, each with its sender") {
  Reader reader;
  Socket a(SOCK_DGRAM, loopback("127.0.0.2")), b(SOCK_DGRAM, loopback("127.0.0.3")),
      to(SOCK_DGRAM, loopback());
  const int big = 4 << 20;
  setsockopt(to.fd(), SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
  const std::string whole(65'507, 'a');
  a.send_to(whole, to.local());
  b.send_to("", to.local());
  b.send_to("small", to.local());
  const auto result = reader.drain(to.fd());
  CHECK(result.received == 3);
  CHECK(result.truncated == 0);
  REQUIRE(reader.taken.size() == 3);
  CHECK((reader.taken[0].second == whole));
  CHECK(reader.taken[0].first == a.local());
  CHECK(reader.taken[1] == std::pair{b.local(), std::string()});
  CHECK(reader.taken[2] == std::pair{b.local(), std::string("small")});
  CHECK(reader.gulps == 1);
}

TEST_CASE("a drain takes four gulps of 32 and leaves the rest for the next wake-up") {
  Reader reader;
  Socket from(SOCK_DGRAM, loopback()), to(SOCK_DGRAM, loopback());
  for (int i = 0; i < 150; ++i) from.send_to(std::to_string(i), to.local());
  CHECK(reader.drain(to.fd()).received == ReceiveRing::kSlots * ReceiveRing::kRounds);
  CHECK(reader.gulps == ReceiveRing::kRounds);
  CHECK(reader.drain(to.fd()).received == 150 - 128);
  CHECK(reader.drain(to.fd()).received == 0);
  for (int i = 0; i < 150; ++i) CHECK(reader.taken[static_cast<std::size_t>(i)].second == std::to_string(i));
}

TEST_CASE("what is longer than a slot is counted and not handed out") {
  Reader reader;
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
  const FileDescriptor one(pair[0]), two(pair[1]);
  for (const auto& octets : {std::string("first"), std::string(70'000, 'x'), std::string("last")})
    REQUIRE(send(one.get(), octets.data(), octets.size(), 0) == static_cast<ssize_t>(octets.size()));
  const auto result = reader.drain(two.get(), true);
  CHECK(result.received == 2);
  CHECK(result.truncated == 1);
  REQUIRE(reader.taken.size() == 2);
  CHECK(reader.taken[1].second == "last");
}

TEST_CASE("an ICMP error on a connected socket loses no datagram behind it") {
  Reader reader;
  Socket peer(SOCK_DGRAM, loopback());
  const auto at = peer.local();
  bool v6 = false;
  const auto fd = open_udp_client({}, &at, v6);
  REQUIRE(fd);
  const auto back = loopback("127.0.0.1", bound_port(fd.get()));
  peer.close();
  REQUIRE(send(fd.get(), "x", 1, 0) == 1);  // refused
  Socket again(SOCK_DGRAM, at);
  again.send_to("hello", back);
  std::size_t got = 0;
  for (int wake = 0; wake < 3; ++wake) got += reader.drain(fd.get(), true).received;
  CHECK(got == 1);
}

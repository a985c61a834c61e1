#include "udp/send_queue.hpp"

#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

SendTarget target_of(const Socket& socket, bool connected = false) {
  SendTarget target;
  target.fd = socket.fd();
  target.connected = connected;
  return target;
}

}  // namespace

TEST_CASE("datagrams of a batch leave at its end, in order, from their own sockets") {
  SendQueue queue;
  Socket a(SOCK_DGRAM, loopback("127.0.0.2")), b(SOCK_DGRAM, loopback("127.0.0.3")),
      to(SOCK_DGRAM, loopback());
  auto first = target_of(a), second = target_of(b);
  const auto at = to.local();
  CHECK(queue.empty());
  for (int i = 0; i < 10; ++i) queue.add(i % 2 ? second : first, std::to_string(i), &at, nullptr);
  CHECK_FALSE(queue.empty());
  CHECK(to.receive(nullptr, 20ms).empty());
  queue.flush();
  CHECK(queue.empty());
  CHECK(queue.counts().sent == 10);
  CHECK(queue.counts().failed == 0);
  for (const auto* expected : {"0", "2", "4", "6", "8", "1", "3", "5", "7", "9"}) {
    Endpoint from;
    CHECK(to.receive(&from) == expected);
    CHECK(from == (*expected % 2 == 0 ? a.local() : b.local()));
  }
}

TEST_CASE("what does not fit into a batch sends the batch first") {
  Socket from(SOCK_DGRAM, loopback()), to(SOCK_DGRAM, loopback());
  const int big = 8 << 20;
  setsockopt(to.fd(), SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
  const auto at = to.local();
  SECTION("too many") {
    SendQueue queue;
    auto target = target_of(from);
    for (int i = 0; i < 300; ++i) {
      queue.add(target, std::to_string(i), &at, nullptr);
      if (i == 255) CHECK(queue.counts().sent == 0);
    }
    CHECK(queue.counts().sent == 256);
    queue.flush();
    CHECK(queue.counts().sent == 300);
    for (int i = 0; i < 200; ++i) CHECK(to.receive() == std::to_string(i));
  }
  SECTION("too much") {
    SendQueue queue;
    auto target = target_of(from);
    for (int i = 0; i < 9; ++i)
      queue.add(target, std::string(60'000, static_cast<char>('a' + i)), &at, nullptr);
    CHECK(queue.counts().sent == 8);
    queue.flush();
    CHECK(queue.counts().sent == 9);
    CHECK((to.receive() == std::string(60'000, 'a')));
  }
}

TEST_CASE("the octets are copied when they are queued") {
  SendQueue queue;
  Socket from(SOCK_DGRAM, loopback()), to(SOCK_DGRAM, loopback());
  auto target = target_of(from);
  const auto at = to.local();
  std::string octets = "before";
  queue.add(target, octets, &at, nullptr);
  octets = "after!";
  queue.flush();
  CHECK(to.receive() == "before");
}

TEST_CASE("what can't be sent is counted and holds nothing else up") {
  SendQueue queue;
  Socket from(SOCK_DGRAM, loopback()), to(SOCK_DGRAM, loopback());
  auto target = target_of(from);
  const auto at = to.local();
  const auto v6 = loopback("::1", at.port);
  queue.add(target, std::string(65'536, 'x'), &at, nullptr);  // no datagram is that long
  queue.add(target, "to nobody", nullptr, nullptr);
  SendTarget closed;
  queue.add(closed, "from nowhere", &at, nullptr);
  queue.add(target, "the other family", &v6, nullptr);
  CHECK(queue.counts().failed == 4);
  queue.add(target, std::string(65'535, 'x'), &at, nullptr);  // the kernel says no
  queue.add(target, "fine", &at, nullptr);
  queue.flush();
  CHECK(queue.counts().failed == 5);
  CHECK(queue.counts().sent == 1);
  CHECK(to.receive() == "fine");
}

TEST_CASE("an earlier datagram's refusal does not cost the next one") {
  SendQueue queue;
  Socket from(SOCK_DGRAM, loopback()), to(SOCK_DGRAM, loopback());
  const auto at = to.local();
  REQUIRE(from.connect(at));
  auto target = target_of(from, true);
  to.close();
  queue.add(target, "refused", nullptr, nullptr);
  queue.flush();
  Socket again(SOCK_DGRAM, at);
  queue.add(target, "one", nullptr, nullptr);
  queue.add(target, "two", nullptr, nullptr);
  queue.flush();
  CHECK(again.receive() == "one");
  CHECK(again.receive() == "two");
  CHECK(queue.counts().failed == 0);
}

TEST_CASE("a socket that is forgotten sends nothing, others do") {
  SendQueue queue;
  Socket a(SOCK_DGRAM, loopback()), b(SOCK_DGRAM, loopback()), to(SOCK_DGRAM, loopback());
  auto gone = target_of(a), stays = target_of(b);
  const auto at = to.local();
  queue.add(gone, "gone", &at, nullptr);
  queue.add(stays, "stays", &at, nullptr);
  queue.add(gone, "gone", &at, nullptr);
  queue.forget(gone);
  queue.forget(gone);
  queue.flush();
  CHECK(to.receive() == "stays");
  CHECK(to.receive(nullptr, 20ms).empty());
  queue.add(gone, "back", &at, nullptr);
  queue.flush();
  CHECK(to.receive() == "back");
}

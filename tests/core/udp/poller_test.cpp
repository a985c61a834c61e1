#include "udp/poller.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <functional>

using namespace sipward;

namespace {

struct Counted final : Poller::Batches {
  void batch_begins() override { ++begun; }
  void batch_ends() override { ++ended; }
  int begun = 0, ended = 0;
};

// One end of a pair of datagram sockets, read to its end whenever the poller says so.
class End final : public Pollable {
 public:
  End() { REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds_.data()) == 0); }
  ~End() override {
    for (const int fd : fds_) close(fd);
  }
  bool readable() override {
    ++reads;
    char octet = 0;
    while (recv(fds_[0], &octet, 1, 0) == 1) received.push_back(octet);
    if (then) then();
    return worth;
  }
  void send(char octet) { REQUIRE(::send(fds_[1], &octet, 1, 0) == 1); }
  int fd() const { return fds_[0]; }

  bool worth = true;
  int reads = 0;
  std::string received;
  std::function<void()> then;

 private:
  std::array<int, 2> fds_{};
};

struct Loop {
  void until(const std::function<bool()>& done) {
    while (!done()) io.run_one();
  }
  boost::asio::io_context io{1};
  Counted batches;
  Poller poller{io, batches};
};

}  // namespace

TEST_CASE("a socket that was not worth it is read again by itself") {
  Loop loop;
  End end;
  end.worth = false;
  REQUIRE(loop.poller.add(end.fd(), end));
  for (const char octet : {'a', 'b', 'c'}) {
    end.send(octet);
    loop.until([&] { return !end.received.empty() && end.received.back() == octet; });
  }
  CHECK(end.received == "abc");
  end.worth = true;
  end.send('d');
  loop.until([&] { return end.received == "abcd"; });
  const int reads = end.reads;
  loop.io.poll();
  CHECK(end.reads == reads);  // it waits for its descriptor again
  end.send('e');
  loop.until([&] { return end.received == "abcde"; });
  CHECK(loop.batches.begun == loop.batches.ended);
}

TEST_CASE("while one socket rests the others are served") {
  Loop loop;
  End flooded, calm;
  flooded.worth = false;
  REQUIRE(loop.poller.add(flooded.fd(), flooded));
  REQUIRE(loop.poller.add(calm.fd(), calm));
  flooded.send('x');
  loop.until([&] { return flooded.reads == 1; });
  calm.send('a');
  loop.until([&] { return calm.reads == 1; });
  CHECK(calm.received == "a");
}

TEST_CASE("a socket may go while it rests, and while it is read") {
  Loop loop;
  End first, second;
  first.worth = second.worth = false;
  REQUIRE(loop.poller.add(first.fd(), first));
  REQUIRE(loop.poller.add(second.fd(), second));
  first.send('a');
  second.send('b');
  loop.until([&] { return first.reads != 0 && second.reads != 0; });
  loop.poller.remove(first.fd(), first);
  second.then = [&] { loop.poller.remove(second.fd(), second); };
  const int reads = second.reads;
  loop.until([&] { return second.reads > reads; });
  second.send('c');
  loop.io.poll();
  CHECK(first.reads == 1);
  CHECK(second.reads == reads + 1);
}

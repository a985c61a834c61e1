#include "udp/sockets.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "harness.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

constexpr std::size_t kGroup = 4;

struct Group {
  std::vector<FileDescriptor> members;
  Endpoint at;
  bool steered = false;
  Group(Transport transport, const Endpoint& address) {
    ListenSpec spec{transport, address, false};
    for (std::size_t i = 0; i < kGroup; ++i) {
      bool v6 = false;
      members.push_back(open_listener(spec, i == 0, kGroup, v6, steered));
      REQUIRE(members.back());
      if (i == 0) spec.endpoint.port = bound_port(members.back().get());
    }
    at = spec.endpoint;
  }
  // The member that something waits at.
  std::size_t waiting() const {
    std::vector<pollfd> fds;
    for (const auto& m : members) fds.push_back({m.get(), POLLIN, 0});
    REQUIRE(poll(fds.data(), fds.size(), 5000) == 1);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents) return i;
    return kGroup;
  }
};

std::vector<std::string> sources() {
  std::vector<std::string> result;
  for (int i = 0; i < 40; ++i)
    result.push_back("127.0." + std::to_string(i % 7) + "." + std::to_string(20 + i));
  return result;
}

}  // namespace

TEST_CASE("datagrams of one address reach the one socket that steer names, whatever their port") {
  const Group group(Transport::udp, loopback());
  REQUIRE(group.steered);
  std::set<std::size_t> used;
  for (const auto& source : sources()) {
    const auto expected = steer(*Address::parse(source), kGroup);
    used.insert(expected);
    for (int port = 0; port < 10; ++port) {
      Socket client(SOCK_DGRAM, loopback(source));
      client.send_to("x", group.at);
      const auto member = group.waiting();
      REQUIRE(member == expected);
      char octet;
      REQUIRE(recv(group.members[member].get(), &octet, 1, 0) == 1);
    }
  }
  CHECK(used.size() == kGroup);
}

TEST_CASE("connections of one address reach the one socket that steer names, whatever their port") {
  const Group group(Transport::tcp, loopback());
  REQUIRE(group.steered);
  for (const auto& source : sources()) {
    const auto expected = steer(*Address::parse(source), kGroup);
    for (int port = 0; port < 10; ++port) {
      Socket client(SOCK_STREAM, loopback(source));
      REQUIRE(client.connect(group.at));
      const auto member = group.waiting();
      REQUIRE(member == expected);
      const FileDescriptor accepted(::accept(group.members[member].get(), nullptr, nullptr));
      REQUIRE(accepted);
    }
  }
}

TEST_CASE("IPv6 is steered the same way") {
  for (const auto transport : {Transport::udp, Transport::tcp}) {
    const Group group(transport, loopback("::1"));
    REQUIRE(group.steered);
    const auto expected = steer(*Address::parse("::1"), kGroup);
    for (int port = 0; port < 10; ++port) {
      Socket client(is_stream(transport) ? SOCK_STREAM : SOCK_DGRAM, loopback("::1"));
      REQUIRE(client.connect(group.at));
      if (!is_stream(transport)) client.send("x");
      const auto member = group.waiting();
      CHECK(member == expected);
      char octet;
      if (is_stream(transport))
        FileDescriptor(::accept(group.members[member].get(), nullptr, nullptr));
      else
        recv(group.members[member].get(), &octet, 1, 0);
    }
  }
}

TEST_CASE("steering takes an IPv6 source by its /64 and spreads the others") {
  const auto at = [](const std::string& text) { return steer(*Address::parse(text), 16); };
  CHECK(at("2001:db8:1:2::1") == at("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  std::map<std::size_t, int> v4, v6;
  for (int i = 0; i < 4096; ++i) {
    ++v4[at("198.51." + std::to_string(i / 256) + "." + std::to_string(i % 256))];
    std::array<char, 40> text;
    snprintf(text.data(), text.size(), "2001:db8:%x:%x::1", i / 64, i % 64);
    ++v6[at(text.data())];
  }
  for (const auto* counts : {&v4, &v6}) {
    CHECK(counts->size() == 16);
    for (const auto& [member, count] : *counts) CHECK(count > 128);  // of 256
  }
  for (std::size_t count : {1U, 2U, 3U, 64U}) CHECK(steer(*Address::parse("192.0.2.1"), count) < count);
}

TEST_CASE("an address that another process listens on is not free") {
  for (const auto transport : {Transport::udp, Transport::tcp}) {
    bool v6 = false, steered = false;
    auto held = open_listener({transport, loopback(), false}, true, 2, v6, steered);
    const ListenSpec spec{transport, loopback("127.0.0.1", bound_port(held.get())), false};
    const pid_t child = fork();
    if (child == 0) _exit(address_is_free(spec) ? 1 : errno == EADDRINUSE ? 0 : 2);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
    held = FileDescriptor();
    CHECK(address_is_free(spec));
  }
}

TEST_CASE("an address that no interface has can't be listened on") {
  bool v6 = false, steered = false;
  CHECK_FALSE(open_listener({Transport::udp, loopback("192.0.2.1"), false}, true, 1, v6, steered));
  CHECK(errno == EADDRNOTAVAIL);
}

TEST_CASE("a file descriptor closes itself, once") {
  int pair[2];
  REQUIRE(pipe(pair) == 0);
  const FileDescriptor writer(pair[1]);
  {
    FileDescriptor a(pair[0]);
    FileDescriptor b(std::move(a));
    a = std::move(b);
    CHECK(a.get() == pair[0]);
    CHECK_FALSE(b);
  }
  CHECK(fcntl(pair[0], F_GETFD) == -1);
}

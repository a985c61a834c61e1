#include "runtime/listeners.hpp"

#include <catch2/catch.hpp>

#include "harness.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kGrace = std::chrono::hours(1);

// Answers every request with this status.
std::unique_ptr<Script> answering(int status) {
  auto script = std::make_unique<Script>();
  script->inbound = [status](Packet& p) {
    p.worker().reply(p, status, "Seen");
    return Verdict::consumed;
  };
  return script;
}

std::string status_of(const std::string& answer) {
  return answer.substr(0, 11);
}

std::string ask(Socket& socket, const Endpoint& to) {
  socket.send_to(SipText().request(), to);
  return status_of(socket.receive());
}

std::string ask(Socket& stream) {
  stream.send(SipText().request());
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    const auto octet = stream.read(1);
    if (octet.empty()) return "(ended)";
    head += octet;
  }
  return status_of(head);
}

std::string at(const Endpoint& endpoint, const char* transport) {
  return std::string(transport) + "/" + endpoint.to_string();
}

}  // namespace

TEST_CASE("a UDP listener that stays keeps its socket and gets the new handlers") {
  Site site(2);
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering(480)));
  const auto bound = site.bound();
  Socket client(SOCK_DGRAM, loopback());
  CHECK(ask(client, bound) == "SIP/2.0 480");
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering(486)));
  CHECK(site.bound() == bound);
  CHECK(ask(client, bound) == "SIP/2.0 486");
}

TEST_CASE("a connection goes over to the new handlers with its next message") {
  Site site;
  site.serve(tree_of({"tcp/127.0.0.1:0"}, answering(480)));
  Socket client(SOCK_STREAM, loopback());
  REQUIRE(client.connect(site.bound()));
  CHECK(ask(client) == "SIP/2.0 480");
  site.serve(tree_of({"tcp/127.0.0.1:0"}, answering(486)));
  CHECK(ask(client) == "SIP/2.0 486");
}

TEST_CASE("a listener that was removed serves what it has with the old handlers until its grace is over") {
  Site site(2);
  site.serve(tree_of({"tcp/127.0.0.1:0", "udp/127.0.0.1:0"}, answering(480)));
  const auto tcp = site.bound(0), udp = site.bound(1);
  Socket stream(SOCK_STREAM, loopback()), datagrams(SOCK_DGRAM, loopback());
  REQUIRE(stream.connect(tcp));
  CHECK(ask(stream) == "SIP/2.0 480");
  site.serve(tree_of({"udp/127.0.0.2:0"}, answering(486)), kGrace);
  CHECK(site.listeners.addresses().size() == 1);
  CHECK(ask(stream) == "SIP/2.0 480");
  CHECK(ask(datagrams, udp) == "SIP/2.0 480");
  Socket late(SOCK_STREAM, loopback());
  CHECK_FALSE(late.connect(tcp));
  site.close_due(site.clock.now() + kGrace);
  CHECK(ask(stream) == "(ended)");
  CHECK(stream.ended_well());
  CHECK(site.listeners.next_close() == std::nullopt);
  Socket taker(SOCK_DGRAM, udp);  // the port is free again
}

TEST_CASE("a second reload within the grace does not prolong it, and keeps the first one's handlers") {
  Site site;
  site.serve(tree_of({"tcp/127.0.0.1:0"}, answering(480)));
  Socket stream(SOCK_STREAM, loopback());
  REQUIRE(stream.connect(site.bound()));
  CHECK(ask(stream) == "SIP/2.0 480");
  site.serve(tree_of({"udp/127.0.0.2:0"}, answering(481)), kGrace);
  const auto end = site.listeners.next_close();
  site.serve(tree_of({"udp/127.0.0.2:0"}, answering(486)), 2 * kGrace);
  CHECK(site.listeners.next_close() == end);
  CHECK(ask(stream) == "SIP/2.0 480");
}

TEST_CASE("a UDP listener that comes back within its grace never lost its socket") {
  Site site(2);
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering(480)));
  const auto bound = site.bound();
  site.serve(tree_of({"udp/127.0.0.2:0"}, answering(481)), kGrace);
  Socket client(SOCK_DGRAM, loopback());
  CHECK(ask(client, bound) == "SIP/2.0 480");
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering(486)), kGrace);
  CHECK(site.bound() == bound);
  CHECK(ask(client, bound) == "SIP/2.0 486");
  site.close_due(site.clock.now() + 2 * kGrace);
  CHECK(ask(client, bound) == "SIP/2.0 486");
}

TEST_CASE(
    "a stream's address that comes back within its grace accepts again, and old connections still end") {
  Site site(2);
  site.serve(tree_of({"tcp/127.0.0.1:0"}, answering(480)));
  const auto address = at(site.bound(), "tcp");
  site.serve(tree_of({address}, answering(481)), kGrace);
  const auto port = site.bound();
  Socket old(SOCK_STREAM, loopback());
  REQUIRE(old.connect(port));
  CHECK(ask(old) == "SIP/2.0 481");
  site.serve(tree_of({"udp/127.0.0.2:0"}, answering(482)), kGrace);
  site.serve(tree_of({address}, answering(486)), kGrace);
  Socket fresh(SOCK_STREAM, loopback());
  REQUIRE(fresh.connect(port));
  CHECK(ask(fresh) == "SIP/2.0 486");
  site.close_due(site.clock.now() + 2 * kGrace);
  CHECK(ask(old) == "(ended)");
  CHECK(ask(fresh) == "SIP/2.0 486");
}

TEST_CASE("a removed address that a wider one covers is served by the new handlers at once") {
  Site site;
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering(480)));
  const auto bound = site.bound();
  site.serve(tree_of({"udp/:" + std::to_string(bound.port)}, answering(486)), kGrace);
  Socket client(SOCK_DGRAM, loopback());
  CHECK(ask(client, bound) == "SIP/2.0 486");
  site.close_due(site.clock.now() + kGrace);
  CHECK(ask(client, bound) == "SIP/2.0 486");
}

TEST_CASE("an address that can't be had is told with its place, and what was open stays as it was") {
  Site site;
  site.serve(tree_of({"udp/127.0.0.1:0"}, answering(480)));
  Socket other(SOCK_DGRAM, loopback());
  const auto taken = at(other.local(), "udp");
  CHECK_THROWS_WITH(site.serve(tree_of({"tcp/127.0.0.1:0", taken}, answering(486))),
                    Catch::Contains("can't listen on " + taken) && Catch::Contains("another program"));
  Socket client(SOCK_DGRAM, loopback());
  CHECK(ask(client, site.bound()) == "SIP/2.0 480");
  CHECK(site.listeners.addresses().size() == 1);
}

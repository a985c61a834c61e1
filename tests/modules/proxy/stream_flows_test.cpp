#include <catch2/catch.hpp>

#include "switchboard.hpp"

using namespace sipward;
using namespace sipward::test;
using Counts = sipward::proxy::ProxyMetrics;

namespace {

struct Line : Switchboard {
  Socket pbx{SOCK_STREAM, loopback()};
  Socket client{SOCK_STREAM, loopback()};
  explicit Line(bool listening = true) {
    if (listening) pbx.listen();
    forward({"tcp/127.0.0.1:0", "udp/127.0.0.1:0"}, {"tcp/pbx:5060"});
    resolve("pbx", pbx.local());
    client.connect(site.bound(0));
  }
  // Sends one request through; the upstream's end of the connection.
  Socket through(const SipText& text) {
    client.send(text.request());
    auto end = pbx.accept();
    CHECK(end.read(text.request().size()) == text.request());
    return end;
  }
};

}  // namespace

TEST_CASE("a connection is forwarded over a connection, both ways") {
  Line line;
  const auto text = numbered("OPTIONS", "a");
  auto end = line.through(text);
  end.send(text.response(200));
  CHECK(line.client.read(text.response(200).size()) == text.response(200));
  const auto call = numbered("INVITE", "in");
  end.send(call.request());
  CHECK(line.client.read(call.request().size()) == call.request());
  line.client.send(call.response(200));
  CHECK(end.read(call.response(200).size()) == call.response(200));
}

TEST_CASE("each connection has one of its own to the upstream") {
  Line line;
  auto first = line.through(numbered("OPTIONS", "a"));
  Socket other(SOCK_STREAM, loopback());
  other.connect(line.site.bound(0));
  const auto text = numbered("OPTIONS", "b");
  other.send(text.request());
  auto second = line.pbx.accept();
  CHECK(second.read(text.request().size()) == text.request());
  second.send(text.response(200));
  CHECK(other.read(text.response(200).size()) == text.response(200));
}

TEST_CASE("a client whose upstream can't be reached is closed") {
  Line line(false);
  line.client.send(numbered("OPTIONS", "a").request());
  CHECK(line.client.read_all().empty());
}

TEST_CASE("whichever side ends, ends the other, after what was sent") {
  SECTION("the upstream") {
    Line line;
    const auto text = numbered("OPTIONS", "a");
    auto end = line.through(text);
    end.send(text.response(200));
    end.close();
    CHECK(line.client.read_all() == text.response(200));
  }
  SECTION("the client") {
    Line line;
    auto end = line.through(numbered("OPTIONS", "a"));
    const auto bye = numbered("BYE", "b");
    line.client.send(bye.request());
    line.client.close();
    CHECK(end.read_all() == bye.request());
  }
  SECTION("a client that hangs up at once") {
    Line line;
    const auto bye = numbered("BYE", "b");
    line.client.send(bye.request());
    line.client.close();
    CHECK(line.pbx.accept().read_all() == bye.request());
  }
}

TEST_CASE("a datagram can't go to an upstream that is a stream") {
  Line line;
  Socket client(SOCK_DGRAM, loopback());
  client.send_to(numbered("OPTIONS", "a").request(), line.site.bound(1));
  CHECK(line.drops(Counts::transport));
}

TEST_CASE("another connection can't use a transaction's identifiers") {
  Line line;
  const auto text = numbered("REGISTER", "a");
  auto end = line.through(text);
  Socket thief(SOCK_STREAM, loopback());
  thief.connect(line.site.bound(0));
  thief.send(text.request());
  CHECK(line.drops(Counts::transaction_conflict));
}

TEST_CASE("a side that does not read holds the other one up, and loses nothing") {
  Line line;
  auto end = line.through(numbered("OPTIONS", "a"));
  auto big = numbered("MESSAGE", "m");
  auto octets = big.request();
  const std::string none = "Content-Length: 0\r\n";
  octets.replace(octets.find(none), none.size(), "Content-Length: 50000\r\n");
  octets += std::string(50'000, 'x');
  const bool to_client = GENERATE(false, true);
  INFO(to_client);
  auto& sender = to_client ? end : line.client;
  auto& reader = to_client ? line.client : end;
  const timeval soon{0, 300'000};
  setsockopt(sender.fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  constexpr std::size_t kMuch = 512;  // messages, 25 MB
  std::size_t sent = 0, whole = 0;
  while (whole < kMuch) {
    const auto n = ::send(sender.fd(), octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
    if (n < 0) break;
    if ((sent += static_cast<std::size_t>(n)) == octets.size()) ++whole, sent = 0;
  }
  REQUIRE(whole < kMuch);  // it was held up
  const auto total = whole * octets.size() + sent;
  std::size_t got = reader.read(total / octets.size() * octets.size()).size();
  CHECK(got == total / octets.size() * octets.size());
  CHECK(sender.send(octets.substr(sent)));
  CHECK(reader.read(octets.size()).size() == octets.size());
}

#include <catch2/catch.hpp>

#include "shop.hpp"
#include "stream_desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

using Words = std::vector<std::string>;

namespace {

// Closing this socket resets the connection.
void reset(Socket& socket) {
  const linger at_once{1, 0};
  setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket.close();
}

std::string keep_alives(std::size_t count) {
  std::string octets;
  for (std::size_t i = 0; i < count; ++i) octets += "\r\n\r\n";
  return octets;
}

bool is_answered(Socket& client) {
  if (!client.send(SipText().request())) return false;
  std::string answer;
  while (!answer.ends_with("\r\n\r\n")) {
    const auto octet = client.read(1);
    if (octet.empty()) return false;
    answer += octet;
  }
  return answer.find("SIP/2.0 200") != std::string::npos;
}

}  // namespace

TEST_CASE("when all places are taken, the stranger that has been quiet for longest gives up its own") {
  Shop shop(answering());
  Connections::Limits limits;
  limits.per_worker = 3;
  shop.limit(limits);
  auto first = shop.connect("127.0.0.2"), second = shop.connect("127.0.0.3");
  auto third = shop.connect("127.0.0.4");
  REQUIRE(shop.counted(RuntimeMetrics::accepted, 3));
  REQUIRE(is_answered(first));
  auto late = shop.connect("127.0.0.5");
  CHECK(is_answered(late));
  CHECK(second.read_all().empty());
  CHECK(shop.ends(StreamEnd::displaced));
  first.send(SipText().request());
  third.send(SipText().request());
  CHECK(third.read(7) == "SIP/2.0");
  CHECK(shop.ended(StreamEnd::displaced) == 1);
}

TEST_CASE("registered clients keep their places, and a newcomer is turned away when nobody else is there") {
  Shop shop(answering());
  Connections::Limits limits;
  limits.per_worker = 2;
  shop.limit(limits);
  auto phone = shop.connect("127.0.0.2"), other = shop.connect("127.0.0.3");
  REQUIRE(shop.counted(RuntimeMetrics::accepted, 2));
  register_client(shop.site, "127.0.0.2", "alice");
  auto late = shop.connect("127.0.0.4");
  CHECK(is_answered(late));
  CHECK(is_answered(phone));
  CHECK(other.read_all().empty());
  register_client(shop.site, "127.0.0.4", "bob");
  auto turned_away = shop.connect("127.0.0.5");
  CHECK(turned_away.read_all().empty());
  CHECK(shop.site.counters.connections.sum(RuntimeMetrics::full) == 1);
  CHECK(is_answered(phone));
}

TEST_CASE("a source that opens connections too fast is turned away, others and registered ones are not") {
  Shop shop(answering());
  Connections::Limits limits;
  limits.burst = 3;
  limits.per_second = 0;
  shop.limit(limits);
  for (int i = 0; i < 3; ++i) {
    auto client = shop.connect();
    CHECK(is_answered(client));
  }
  auto fourth = shop.connect();
  CHECK(fourth.read_all().empty());
  CHECK(shop.site.counters.connections.sum(RuntimeMetrics::too_fast) == 1);
  auto other = shop.connect("127.0.0.2");
  CHECK(is_answered(other));
  register_client(shop.site, "127.0.0.1", "alice");
  auto fifth = shop.connect();
  CHECK(is_answered(fifth));
}

TEST_CASE("a flood of keep-alives ends its connection, and handlers hear of it") {
  Journal journal;
  auto script = answering();
  script->fault = [&](const Source&, std::string_view word) { journal.note(std::string(word)); };
  Shop shop(std::move(script));
  auto client = shop.connect();
  client.send(keep_alives(10'000));
  const auto pongs = client.read_all().size();
  CHECK(pongs <= 2 * Connections::Limits{}.keep_alives);
  CHECK(shop.ends(StreamEnd::keep_alive_flood));
  CHECK(journal.wait(1) == Words{"keep_alive_flood"});
}

TEST_CASE("line ends between messages are no flood, however many messages there are") {
  Shop shop(answering());
  auto client = shop.connect();
  for (int i = 0; i < 200; ++i) {
    client.send("\r\n\r\n");
    REQUIRE(client.read(2) == "\r\n");
    REQUIRE(is_answered(client));
  }
  CHECK(shop.ended(StreamEnd::keep_alive_flood) == 0);
}

TEST_CASE("keep-alives alone don't keep the place of a stranger, a registered phone stays by them") {
  for (const bool registered : {false, true}) {
    Site site;
    auto tree = tree_of({"tcp/127.0.0.1:0"}, answering());
    tree->servers.front()->idle_timeout = 60ms;
    site.serve(std::move(tree));
    site.run([](Worker& worker) {
      Connections::Limits limits;
      limits.keep_alives = 0;
      static_cast<WorkerThread&>(worker).connections().limit(limits);
    });
    if (registered) register_client(site, "127.0.0.1", "alice");
    Socket client(SOCK_STREAM, loopback());
    client.connect(site.bound());
    REQUIRE(is_answered(client));
    const auto until = std::chrono::steady_clock::now() + (registered ? 200ms : 20'000ms);
    const auto ended = [&] {
      return site.counters.connections_ended.sum(static_cast<std::size_t>(StreamEnd::idle_timeout));
    };
    // Each goes on as soon as the last was answered, so that it is never quiet.
    while (ended() == 0 && std::chrono::steady_clock::now() < until)
      if (!client.send("\r\n\r\n") || client.read(1).empty()) site.settle();
    CHECK(ended() == (registered ? 0U : 1U));
  }
}

TEST_CASE("line ends are no first message") {
  SipStream::Options options;
  options.first = 60ms;
  StreamDesk desk(options);
  auto client = desk.open();
  client.send("\r\n\r\n");
  CHECK(desk.journal.wait(2) == Words{"ping", "ended first_timeout"});
}

TEST_CASE("a client that does not read its answers is not read either") {
  std::atomic<std::size_t> most = 0;
  const std::string answer(8'000, 'a');
  auto script = std::make_unique<Script>();
  script->inbound = [&](Packet& p) {
    p.worker().send(p.peer(), answer);
    most = std::max(most.load(), p.worker().queued(p.peer()));
    return Verdict::consumed;
  };
  Shop shop(std::move(script));
  auto client = shop.connect();
  const timeval soon{0, 300'000};
  setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  std::string many;
  for (int i = 0; i < 100; ++i) many += message_text("a");
  std::size_t sent = 0;
  while (sent < (64U << 20) && client.send(many)) sent += many.size();
  CHECK(sent < (64U << 20));
  CHECK(most > 0);
  CHECK(most <= Connections::Limits{}.read_until_queued + answer.size());
  CHECK(shop.ended(StreamEnd::too_much_queued) == 0);
  // Once it reads, everything goes on.
  client.read(4'000'000);
  auto other = shop.connect("127.0.0.2");
  other.send(SipText().request());
  CHECK(other.read(1) == "a");
}

TEST_CASE("the streams of a worker hold no more than they may, and what ends is told why") {
  SipStream::Options options;
  options.max_queued = std::size_t{1} << 30;
  for (const bool favoured : {false, true}) {
    StreamDesk desk(options);
    auto client = desk.open();
    std::size_t most = 0;
    desk.with([&](SipStream& s) {
      s.favoured = favoured;
      const std::string piece(1 << 20, 'x');
      for (int i = 0; i < 300 && s.open(); ++i) {
        s.send(piece);
        most = std::max(most, s.queued());
      }
      CHECK_FALSE(s.open());
    });
    CHECK(desk.journal.wait(1) == Words{"ended memory"});
    CHECK(most <= (favoured ? 2 : 1) * SipStream::kMemoryPerWorker);
    CHECK(most >= (favoured ? 2 : 1) * SipStream::kMemoryPerWorker / 2);
  }
}

TEST_CASE("a stream that ended holds no memory") {
  SipStream::Options options;
  StreamDesk desk(options);
  {
    auto client = desk.open();
    client.send("OPTIONS sip:a SIP/2.0\r\nl: 60000\r\n\r\n" + std::string(50'000, 'x'));
    CHECK(desk.site.eventually([&] {
      return desk.site.run([](Worker& w) { return static_cast<WorkerThread&>(w).stream_memory() >= 50'000; });
    }));
  }
  CHECK(desk.journal.wait(1) == Words{"ended cut_short"});
  CHECK(desk.site.run([](Worker& w) { return static_cast<WorkerThread&>(w).stream_memory() == 0; }));
}

TEST_CASE("how a client went away is told apart") {
  Shop shop(answering());
  auto polite = shop.connect();
  CHECK(is_answered(polite));
  polite.close();
  CHECK(shop.ends(StreamEnd::closed_by_peer));
  auto midway = shop.connect();
  midway.send("OPTIONS sip:a SIP/2.0\r\nVia: ");
  midway.close();
  CHECK(shop.ends(StreamEnd::cut_short));
  auto rude = shop.connect();
  CHECK(is_answered(rude));
  rude.send("OPTIONS sip:a SIP/2.0\r\nVia: ");
  reset(rude);
  CHECK(shop.ends(StreamEnd::reset));
}

TEST_CASE("each way of lying about a message's end is counted under its own name") {
  struct Case {
    std::string octets;
    sip::FramingError error;
  };
  const std::string start = "OPTIONS sip:a SIP/2.0\r\n";
  for (const auto& c :
       {Case{start + "l: -1\r\n\r\n", sip::FramingError::content_length_syntax},
        Case{start + "l: 1\r\nContent-Length: 2\r\n\r\n", sip::FramingError::content_length_duplicate},
        Case{start + "l: 4294967296000000000000\r\n\r\n", sip::FramingError::content_length_syntax},
        Case{start + "l: 999999\r\n\r\n", sip::FramingError::message_too_long},
        Case{start + "Call-ID: a\r\n\r\n", sip::FramingError::content_length_missing},
        Case{"OPTIONS sip:" + std::string(5'000, 'a'), sip::FramingError::start_line_too_long},
        Case{start + "X: " + std::string(9'000, 'a'), sip::FramingError::header_too_long},
        Case{"GET / HTTP/1.1\r\n\r\n", sip::FramingError::not_sip}}) {
    INFO(c.octets.substr(0, 60));
    Shop shop(answering());
    auto client = shop.connect();
    client.send(c.octets);
    CHECK(shop.site.eventually(
        [&] { return shop.site.counters.framing_errors.sum(static_cast<std::size_t>(c.error)) == 1; }));
    CHECK(shop.site.counters.framing_errors.total() == 1);
  }
}

TEST_CASE("why a stream to an upstream ended is counted apart from clients") {
  StreamDesk desk;
  Socket closed(SOCK_STREAM, loopback());  // bound, and nobody listens
  desk.dial(closed.local());
  CHECK(desk.journal.wait(1) == Words{"ended error"});
  CHECK(desk.site.counters.upstreams_ended.sum(static_cast<std::size_t>(StreamEnd::error)) == 1);
  CHECK(desk.site.counters.connections_ended.total() == 0);
}

TEST_CASE("a held stream is not read and has no deadline, until it is released") {
  SipStream::Options options;
  options.paused = options.idle = 40ms;
  options.first = 10s;
  StreamDesk desk(options);
  desk.act = [](SipStream& s, std::string_view) { s.hold(); };
  auto client = desk.open();
  client.send(message_text("a") + message_text("b"));
  REQUIRE(desk.journal.wait(1) == Words{"a"});
  CHECK(desk.journal.wait(2, 200ms) == Words{"a"});
  desk.with([](SipStream& s) {
    s.pause();
    s.release();
  });
  CHECK(desk.journal.wait(2) == Words{"a", "ended write_timeout"});
}

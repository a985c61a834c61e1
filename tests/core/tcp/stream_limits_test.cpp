#include <catch2/catch.hpp>

#include "stream_desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

using Words = std::vector<std::string>;

namespace {

constexpr auto kShort = 60ms;
constexpr auto kLong = 60s;

SipStream::Options patient() {
  SipStream::Options o;
  o.first = o.head = o.body = o.idle = o.write = o.paused = kLong;
  return o;
}

}  // namespace

TEST_CASE("a stream that never says anything ends") {
  auto options = patient();
  options.first = kShort;
  StreamDesk desk(options);
  auto client = desk.open();
  CHECK(desk.journal.wait(1) == Words{"ended first_timeout"});
}

TEST_CASE("a head that does not get complete ends the stream, however it drips") {
  auto options = patient();
  options.head = kShort;
  StreamDesk desk(options);
  auto client = desk.open();
  client.send(message_text("a") + "OPTIONS sip:a SIP/2.0\r\nX: ");
  while (desk.journal.wait(2, 10ms).size() < 2) REQUIRE(client.send("x"));
  CHECK(desk.journal.words() == Words{"a", "ended head_timeout"});
}

TEST_CASE("a body that does not get complete ends the stream, however it drips") {
  auto options = patient();
  options.head = options.body = kShort;
  StreamDesk desk(options);
  auto client = desk.open();
  client.send("OPTIONS sip:a SIP/2.0\r\nl: 60000\r\n\r\n");
  while (desk.journal.wait(1, 10ms).empty()) REQUIRE(client.send("x"));
  CHECK(desk.journal.words() == Words{"ended body_timeout"});
}

TEST_CASE("an idle stream ends, unless its owner wants it to stay") {
  auto options = patient();
  options.idle = kShort;
  StreamDesk desk(options);
  desk.stays = 2;
  auto client = desk.open();
  client.send(message_text("a"));
  REQUIRE(desk.journal.wait(1) == Words{"a"});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(desk.journal.wait(2) == Words{"a", "ended idle_timeout"});
  CHECK(std::chrono::steady_clock::now() - begin > 2 * kShort);
  CHECK(desk.stays < 0);
}

TEST_CASE("zero means no limit for the first octet and for idling") {
  auto options = patient();
  options.first = options.idle = 0ms;
  options.head = kShort;
  StreamDesk desk(options);
  auto client = desk.open();
  CHECK(desk.journal.wait(1, 3 * kShort).empty());
  client.send(message_text("a"));
  CHECK(desk.journal.wait(2, 3 * kShort) == Words{"a"});
}

TEST_CASE("a paused stream is not read, and goes on where it stopped") {
  StreamDesk desk(patient());
  desk.act = [](SipStream& s, std::string_view) { s.pause(); };
  auto client = desk.open();
  client.send(message_text("a") + message_text("b") + message_text("c"));
  for (const auto& expected : {Words{"a"}, Words{"a", "b"}, Words{"a", "b", "c"}}) {
    REQUIRE(desk.journal.wait(expected.size()) == expected);
    desk.site.settle();
    CHECK(desk.journal.words() == expected);
    desk.with([](SipStream& s) { s.resume(); });
  }
  client.send(message_text("d"));
  CHECK(desk.journal.wait(4).back() == "d");
}

TEST_CASE("a delayed stream is not read for its time, and goes on by itself where it stopped") {
  StreamDesk desk(patient());
  desk.act = [](SipStream& s, std::string_view) { s.delay(kShort); };
  auto client = desk.open();
  const auto begin = std::chrono::steady_clock::now();
  client.send(message_text("a") + message_text("b") + message_text("c"));
  CHECK(desk.journal.wait(3) == Words{"a", "b", "c"});
  CHECK(std::chrono::steady_clock::now() - begin >= 2 * kShort);
}

TEST_CASE("a delay does not end a pause, nor a pause a delay") {
  StreamDesk desk(patient());
  desk.act = [](SipStream& s, std::string_view) {
    s.delay(kShort);
    s.pause();
  };
  auto client = desk.open();
  client.send(message_text("a") + message_text("b"));
  CHECK(desk.journal.wait(2, 3 * kShort) == Words{"a"});
  desk.act = [](SipStream& s, std::string_view) {
    s.pause();
    s.delay(kLong);
    s.resume();
  };
  desk.with([](SipStream& s) { s.resume(); });
  client.send(message_text("c"));
  CHECK(desk.journal.wait(3, 3 * kShort) == Words{"a", "b"});
}

TEST_CASE("a stream may end while it is delayed") {
  StreamDesk desk(patient());
  desk.act = [](SipStream& s, std::string_view) {
    s.delay(kLong);
    s.close();
  };
  auto client = desk.open();
  client.send(message_text("a"));
  CHECK(desk.journal.wait(2) == Words{"a", "ended closed_by_us"});
}

TEST_CASE("a paused stream holds its peer up instead of filling memory") {
  StreamDesk desk(patient());
  desk.act = [](SipStream& s, std::string_view) { s.pause(); };
  auto client = desk.open();
  client.send(message_text("a"));
  REQUIRE(desk.journal.wait(1).size() == 1);
  const timeval soon{0, 200'000};
  setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  std::size_t taken = 0;
  const std::string piece(64 * 1024, 'x');
  while (taken < (64U << 20) && client.send(piece)) taken += piece.size();
  CHECK(taken < (64U << 20));
}

TEST_CASE("a stream that stays paused for too long ends, also when it was being read") {
  auto options = patient();
  options.paused = kShort;
  for (const bool more_comes : {false, true}) {
    INFO(more_comes);
    StreamDesk desk(options);
    auto client = desk.open();
    desk.with([](SipStream& s) { s.pause(); });
    if (more_comes) client.send(message_text("a"));
    CHECK(desk.journal.wait(1) == Words{"ended write_timeout"});
  }
}

TEST_CASE("a stream that was paused and resumed while nothing came still has its limits") {
  auto options = patient();
  options.idle = kShort;
  options.paused = kLong;
  StreamDesk desk(options);
  auto client = desk.open();
  client.send(message_text("a"));
  REQUIRE(desk.journal.wait(1).size() == 1);
  desk.with([](SipStream& s) {
    s.pause();
    s.resume();
  });
  CHECK(desk.journal.wait(2) == Words{"a", "ended idle_timeout"});
}

TEST_CASE("a peer that does not read ends its stream when too much is queued") {
  auto options = patient();
  options.max_queued = 256 * 1024;
  StreamDesk desk(options);
  auto client = desk.open();
  std::size_t most = 0;
  desk.with([&](SipStream& s) {
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 1000 && s.open(); ++i) {
      s.send(piece);
      most = std::max(most, s.queued());
    }
    CHECK_FALSE(s.open());
  });
  CHECK(most <= options.max_queued);
  CHECK(most > 0);
  CHECK(desk.journal.wait(1) == Words{"ended too_much_queued"});
}

TEST_CASE("a peer that does not read ends its stream when nothing gets going again") {
  auto options = patient();
  options.write = kShort;
  options.max_queued = 64U << 20;
  StreamDesk desk(options);
  auto client = desk.open();
  desk.with([](SipStream& s) { s.send(std::string(32U << 20, 'x')); });
  CHECK(desk.journal.wait(1) == Words{"ended write_timeout"});
}

TEST_CASE("a stream says when its queue has drained") {
  auto options = patient();
  options.max_queued = 64U << 20;
  StreamDesk desk(options);
  desk.tell_drained = true;
  auto client = desk.open();
  const std::string much(16U << 20, 'x');
  desk.with([&](SipStream& s) {
    s.send(much);
    CHECK(s.queued() > much.size() / 2);  // the kernel takes some at once
  });
  CHECK(desk.journal.words().empty());
  CHECK((client.read(much.size()) == much));
  CHECK(desk.journal.wait(1) == Words{"drained"});
  desk.with([](SipStream& s) { CHECK(s.queued() == 0); });
}

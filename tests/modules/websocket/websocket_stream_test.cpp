#include "websocket_stream.hpp"

#include <boost/asio/error.hpp>
#include <catch2/catch.hpp>

#include "frame_text.hpp"
#include "pipe.hpp"
#include "sipward/testing/fake_host.hpp"

using namespace sipward;
using namespace sipward::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Status = ByteStream::Status;

namespace {

const std::string kRequest =
    "GET / HTTP/1.1\r\nHost: sip.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: "
    "13\r\n\r\n";

// A client's raw octets at the other end of a pipe.
struct Meeting {
  explicit Meeting(websocket::Options options = {})
      : counters(websocket::Counters::declare(host.metrics)), pipe_end(new PipeEnd(in, out)) {
    stream = std::make_unique<websocket::WebSocketStream>(
        host.workers.at(0), std::unique_ptr<ByteStream>(pipe_end),
        std::make_shared<const websocket::Options>(options), counters);
  }
  void upgrade() {
    in->octets = kRequest;
    REQUIRE(stream->handshake().status == Status::ok);
    CHECK_THAT(out->octets, StartsWith("HTTP/1.1 101"));
    out->octets.clear();
  }
  // The next message, and how reading ended after it.
  std::string read(std::size_t room = 70'000) {
    std::string all, buffer(room, '\0');
    while (true) {
      last = stream->read({buffer.data(), buffer.size()});
      if (last.status != Status::ok) return all;
      all.append(buffer, 0, last.octets);
      if (last.message_ends) return all;
    }
  }

  FakeHost host;
  websocket::Counters counters;
  std::shared_ptr<Pipe> in = std::make_shared<Pipe>(), out = std::make_shared<Pipe>();
  PipeEnd* pipe_end;
  std::unique_ptr<websocket::WebSocketStream> stream;
  ByteStream::Result last;
};

}  // namespace

TEST_CASE("the upgrade may come in pieces, and frames may follow it at once") {
  Meeting m;
  m.in->most = GENERATE(std::size_t{1}, std::size_t{5000});
  m.in->octets = kRequest.substr(0, 40);
  CHECK(m.stream->handshake().status == Status::want_read);
  m.in->octets += kRequest.substr(40) + frame(kText, "OPTIONS") + frame(kText, "BYE");
  REQUIRE(m.stream->handshake().status == Status::ok);
  CHECK(m.read() == "OPTIONS");
  CHECK(m.last.message_ends);
  CHECK(m.read() == "BYE");
  CHECK(m.read().empty());
  CHECK(m.last.status == Status::want_read);
  CHECK(m.stream->carries_messages());
}

TEST_CASE("who is refused gets an answer, and a header that never ends is cut off") {
  Meeting m;
  SECTION("no subprotocol") {
    m.in->octets =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const auto result = m.stream->handshake();
    CHECK(result.status == Status::error);
    CHECK(result.fault == "ws_subprotocol");
    CHECK_THAT(m.out->octets, StartsWith("HTTP/1.1 400"));
    CHECK(m.counters.upgrades.sum(websocket::Counters::subprotocol) == 1);
  }
  SECTION("too large") {
    m.in->octets = "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x');
    CHECK(m.stream->handshake().fault == "ws_header_too_large");
    CHECK_THAT(m.out->octets, StartsWith("HTTP/1.1 431"));
    CHECK(m.in->octets.size() > 8000);  // it did not read on
  }
  SECTION("gone") {
    m.in->octets = "GET / HT";
    m.in->ended = true;
    CHECK(m.stream->handshake().status == Status::end);
    m.stream.reset();
    CHECK(m.counters.upgrades.sum(websocket::Counters::gone) == 1);
    return;
  }
  CHECK(m.out->ended);
  CHECK(m.counters.upgrades.total() == 1);
}

TEST_CASE("a read never goes beyond a message, and what is left is read without waiting") {
  Meeting m;
  m.upgrade();
  m.in->octets = frame(kText, "first") + frame(kBinary, "second");
  CHECK(m.read() == "first");
  int called = 0;
  m.stream->wait(ByteStream::Wait::read, [&](const boost::system::error_code& e) { called += e ? 100 : 1; });
  CHECK(called == 0);
  m.host.workers.run();
  CHECK(called == 1);
  CHECK(m.read(3) == "second");
  m.stream->wait(ByteStream::Wait::read, [&](const boost::system::error_code&) { ++called; });
  m.host.workers.run();
  CHECK(called == 1);
  CHECK(m.pipe_end->on_read);
  CHECK(m.stream->memory() < 1024);
}

TEST_CASE("a message is written whole or not at all, as text when it is") {
  Meeting m;
  m.upgrade();
  m.out->room = 1000;
  const std::string message(3000, 'x');
  CHECK(m.stream->write(message).octets == 3000);
  CHECK(m.stream->write("next").status == Status::want_write);
  int called = 0;
  m.stream->wait(ByteStream::Wait::write, [&](const boost::system::error_code&) { ++called; });
  std::string got;
  for (int i = 0; i < 10 && m.pipe_end->on_write; ++i) {
    got += std::exchange(m.out->octets, {});
    std::exchange(m.pipe_end->on_write, nullptr)({});
  }
  CHECK(called == 1);
  got += std::exchange(m.out->octets, {});
  CHECK(got == "\x81\x7E\x0B\xB8" + message);
  CHECK(m.stream->write("\xFF").octets == 1);
  CHECK(m.out->octets == "\x82\x01\xFF");
}

TEST_CASE("pings are answered, and a flood of them is none of our business") {
  Meeting m;
  m.upgrade();
  m.in->octets = frame(kPing, "hello") + frame(kPong, "") + frame(kText, "x");
  CHECK(m.read() == "x");
  CHECK(m.out->octets == "\x8A\x05hello");
  for (int i = 0; i < 100; ++i) m.in->octets += frame(kPing, "");
  m.read();
  CHECK(m.last.status == Status::error);
  CHECK(m.last.fault == "ws_control_flood");
  CHECK_THAT(m.out->octets, Contains("\x88\x02\x03\xF0"));

  Meeting patient;
  patient.upgrade();
  for (int i = 0; i < 200; ++i) {
    patient.in->octets = frame(kPing, "");
    patient.read();
    REQUIRE(patient.last.status == Status::want_read);
    patient.host.clock.advance(std::chrono::seconds(1));
  }
}

TEST_CASE("a fault is answered with its close code, and nothing is read any more") {
  Meeting m;
  m.upgrade();
  m.in->octets = std::string("\x81\x03one", 5) + frame(kText, "two");
  CHECK(m.read().empty());
  CHECK(m.last.fault == "ws_unmasked");
  CHECK(m.out->octets == "\x88\x02\x03\xEA");
  CHECK(m.counters.faults.sum(websocket::Counters::unmasked) == 1);
  CHECK(m.read().empty());
  CHECK(m.last.status == Status::error);
  CHECK(m.stream->write("x").status == Status::error);
}

TEST_CASE("either side may close") {
  Meeting m;
  m.upgrade();
  SECTION("the client") {
    m.in->octets = frame(kText, "BYE") + frame(kClose,
                                               "\x03\xE8"
                                               "done");
    CHECK(m.read() == "BYE");
    CHECK(m.read().empty());
    CHECK(m.last.status == Status::end);
    CHECK(m.out->octets == "\x88\x02\x03\xE8");
    m.stream->shutdown();
    CHECK(m.out->octets == "\x88\x02\x03\xE8");
  }
  SECTION("we") {
    m.stream->shutdown();
    CHECK(m.out->octets == "\x88\x02\x03\xE8");
    CHECK(m.stream->write("late").status == Status::end);
  }
  SECTION("we, behind what is still to be written") {
    m.out->room = 10;
    CHECK(m.stream->write("0123456789ABC").octets == 13);
    m.stream->shutdown();
    CHECK_FALSE(m.out->ended);
    m.out->octets.clear();
    std::exchange(m.pipe_end->on_write, nullptr)({});
  }
  CHECK(m.out->ended);
}

TEST_CASE("closing calls the wait for octets that are here already") {
  Meeting m;
  m.upgrade();
  m.in->octets = frame(kText, "first") + frame(kText, "second");
  CHECK(m.read() == "first");
  boost::system::error_code said;
  m.stream->wait(ByteStream::Wait::read, [&](const boost::system::error_code& e) { said = e; });
  SECTION("close") {
    m.stream->close();
    m.host.workers.run();
    CHECK(said == boost::asio::error::operation_aborted);
  }
  SECTION("end") {
    m.stream.reset();
    m.host.workers.run();
    CHECK_FALSE(said);
  }
}

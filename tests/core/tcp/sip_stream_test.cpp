#include <catch2/catch.hpp>
#include <set>

#include "stream_desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

using Words = std::vector<std::string>;

TEST_CASE("a stream is cut into the same messages wherever its octets are split") {
  StreamDesk desk;
  auto client = desk.open();
  const auto octets =
      message_text("a", "body\r\n\r\nINVITE") + "\r\n" + message_text("b") + message_text("c", "x");
  for (std::size_t at = 1; at < octets.size(); ++at) {
    desk.journal.clear();
    client.send(octets.substr(0, at));
    desk.site.settle();
    client.send(octets.substr(at));
    const auto words = desk.journal.wait(3);
    if (words != Words{"a body\r\n\r\nINVITE", "b", "c x"}) {
      CAPTURE(at, words);
      FAIL("cut wrongly");
    }
  }
}

TEST_CASE("a stream that comes octet by octet is the same stream") {
  StreamDesk desk;
  auto client = desk.open();
  for (const char c : message_text("a", "body") + message_text("b")) {
    client.send({&c, 1});
    desk.site.settle();
  }
  CHECK(desk.journal.wait(2) == Words{"a body", "b"});
}

TEST_CASE("pipelined messages come one by one, in order") {
  StreamDesk desk;
  auto client = desk.open();
  std::string octets;
  Words expected;
  for (int i = 0; i < 300; ++i) {
    octets += message_text("m" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
    expected.push_back("m" + std::to_string(i) +
                       (i == 0 ? "" : " " + std::string(static_cast<std::size_t>(i), 'x')));
  }
  client.send(octets);
  CHECK(desk.journal.wait(300) == expected);
}

TEST_CASE("a double line end is answered with one, a single one is not") {
  StreamDesk desk;
  auto client = desk.open();
  client.send("\r\n");
  desk.site.settle();
  client.send(message_text("a") + "\r\n\r\n");
  CHECK(client.read(2) == "\r\n");
  CHECK(desk.journal.wait(2) == Words{"a", "ping"});
  desk.with([](SipStream& s) { s.close(); });
  CHECK(client.read_all().empty());
}

TEST_CASE("a peer that closes ends the stream") {
  StreamDesk desk;
  auto client = desk.open();
  client.send(message_text("a"));
  client.close();
  CHECK(desk.journal.wait(2) == Words{"a", "ended closed_by_peer"});
  desk.with([](SipStream& s) {
    CHECK_FALSE(s.open());
    s.send("more");  // nothing happens
    s.close();
    s.pause();
    s.resume();
  });
}

TEST_CASE("what can't be cut closes the stream after what came before it") {
  struct Case {
    std::string octets;
    const char* word;
  };
  for (const auto& c :
       {Case{"\x16\x03\x01 tls\r\n\r\n", "error not_sip"}, Case{"GET / HTTP/1.1\r\n\r\n", "error not_sip"},
        Case{"OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\n\r\n", "error content_length_missing head"},
        Case{"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\n",
             "error content_length_duplicate head"},
        Case{"OPTIONS sip:a SIP/2.0\r\nl: 99999999\r\n\r\n", "error message_too_long head"}}) {
    INFO(c.octets);
    StreamDesk desk;
    auto client = desk.open();
    client.send(message_text("a") + c.octets + message_text("smuggled"));
    client.finish_sending();
    CHECK(client.read_all().empty());
    CHECK(client.ended_well());
    CHECK(desk.journal.wait(3) == Words{"a", c.word, "ended framing"});
  }
}

// Run under the address sanitizer: what is read after the error must not land in a buffer that was let go.
TEST_CASE("octets behind a framing error after a big message do no harm") {
  StreamDesk desk;
  auto client = desk.open();
  client.send(message_text("big", std::string(60'000, 'x')) + std::string(16, '\x01'));
  REQUIRE(desk.journal.wait(2).size() == 2);
  for (int i = 0; i < 20; ++i) {
    client.send(std::string(4000, 'y'));
    desk.site.settle();
  }
  client.close();
  CHECK(desk.journal.wait(3).back() == "ended framing");
}

TEST_CASE("the octets of a message stay valid when its stream is closed meanwhile") {
  StreamDesk desk;
  std::string seen;
  desk.act = [&](SipStream& s, std::string_view octets) {
    s.close();
    seen = octets;
  };
  auto client = desk.open();
  const auto big = message_text("big", std::string(40'000, 'x'));
  client.send(big + std::string(30'000, 'y'));
  client.finish_sending();
  client.read_all();
  CHECK(desk.journal.wait(2).back() == "ended closed_by_us");
  CHECK((seen == big));
}

TEST_CASE("a close delivers what was queued, though more comes in unread") {
  StreamDesk desk;
  const std::string answer(700'000, 'a');
  desk.act = [&](SipStream& s, std::string_view) {
    s.send(answer);
    s.close();
    s.send("too late");
  };
  auto client = desk.open();
  client.send(message_text("a") + message_text("b") + std::string(50'000, 'z'));
  CHECK((client.read_all() == answer));
  CHECK(client.ended_well());
  client.close();
  CHECK(desk.journal.wait(2) == Words{"a", "ended closed_by_us"});
}

TEST_CASE("a peer that does not close after us is let go of in a moment") {
  StreamDesk desk;
  auto client = desk.open();
  desk.with([](SipStream& s) { s.close(); });
  CHECK(desk.journal.wait(1) == Words{"ended closed_by_us"});
}

TEST_CASE("an abort is at once, and is told once") {
  StreamDesk desk;
  auto client = desk.open();
  desk.with([](SipStream& s) {
    s.abort(StreamEnd::idle_timeout);
    s.abort(StreamEnd::error);
    s.close();
  });
  CHECK(desk.journal.wait(1) == Words{"ended idle_timeout"});
  desk.site.settle();
  CHECK(desk.journal.words().size() == 1);
}

TEST_CASE("a disowned stream tells nothing more") {
  StreamDesk desk;
  auto client = desk.open();
  client.send(message_text("a"));
  REQUIRE(desk.journal.wait(1).size() == 1);
  desk.with([](SipStream& s) {
    s.abort(StreamEnd::error);  // its news is on the way already
    s.disown();
  });
  client.send(message_text("b"));
  client.read_all();
  desk.site.settle();
  CHECK(desk.journal.words() == Words{"a"});
}

TEST_CASE("what is sent while dialling goes out first") {
  StreamDesk desk;
  Socket upstream(SOCK_STREAM, loopback());
  upstream.listen();
  desk.dial(upstream.local(), [](SipStream& s) {
    CHECK(s.open());
    s.send("one ");
    s.send("two");
    CHECK(s.queued() == 7);
  });
  auto end = upstream.accept();
  CHECK(end.read(7) == "one two");
  end.send(message_text("back"));
  CHECK(desk.journal.wait(1) == Words{"back"});
}

TEST_CASE("a close while dialling waits for what was sent") {
  StreamDesk desk;
  Socket upstream(SOCK_STREAM, loopback());
  upstream.listen();
  desk.dial(upstream.local(), [](SipStream& s) {
    s.send("BYE");
    s.close();
  });
  auto end = upstream.accept();
  CHECK(end.read_all() == "BYE");
  end.close();
  CHECK(desk.journal.wait(1) == Words{"ended closed_by_us"});
}

TEST_CASE("dialling what does not listen ends in an error") {
  StreamDesk desk;
  Socket nobody(SOCK_STREAM, loopback());  // bound, so that nobody else gets the port
  desk.dial(nobody.local(), [](SipStream& s) { s.send("lost"); });
  CHECK(desk.journal.wait(1) == Words{"ended error"});
}

TEST_CASE("the ends of streams have names of their own") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kStreamEnds; ++i) names.insert(to_string(static_cast<StreamEnd>(i)));
  CHECK(names.size() == kStreamEnds);
}

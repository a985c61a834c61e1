#include <catch2/catch.hpp>

#include "peer.hpp"

using namespace sipward;
using namespace sipward::test;
using Status = ByteStream::Status;

namespace {

const Certificate& plain() {
  static const auto made = make_certificate({"sip.example.com"});
  return made;
}

}  // namespace

TEST_CASE("octets pass in both directions, whatever pieces they come in, with either version") {
  const auto version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto most = GENERATE(std::size_t{1}, std::size_t{1} << 20);
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {.min_version = version, .max_version = version});
  m.client.to_server->most = most;
  REQUIRE(m.shake().status == Status::ok);
  CHECK(m.info.server_name == "sip.example.com");
  CHECK(m.info.source.transport == Transport::tls);
  CHECK(host.metric("sipward_tls_versions_total", version == TLS1_2_VERSION ? "tls1.2" : "tls1.3") == 1);
  CHECK(host.metric("sipward_tls_handshakes_total", "full") == 1);
  CHECK(host.metric("sipward_tls_handshakes_running") == 0);

  const std::string large(100'000, 'x');
  m.client.write("REGISTER ");
  m.client.write(large);
  CHECK(read_all(*m.stream) == "REGISTER " + large);
  CHECK(m.stream->write("SIP/2.0 200 OK").octets == 14);
  CHECK(m.client.read() == "SIP/2.0 200 OK");
}

TEST_CASE("what a full pipe does not take is offered again and arrives once") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  REQUIRE(m.shake().status == Status::ok);
  m.client.to_client->room = 1000;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + ' ';
  std::string_view left = text;
  std::string got;
  int waited = 0;
  for (int round = 0; round < 10'000 && !left.empty(); ++round) {
    const auto result = m.stream->write(left);
    if (result.status == Status::ok) {
      left.remove_prefix(result.octets);
    } else {
      REQUIRE(result.status == Status::want_write);
      ++waited;
      got += m.client.read();
    }
  }
  got += m.client.read();
  CHECK(waited > 10);
  CHECK(got == text);
}

TEST_CASE("octets that OpenSSL holds already are read without waiting for more") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  REQUIRE(m.shake().status == Status::ok);
  m.client.write("first");
  m.client.write("second");
  std::array<char, 5> buffer;
  REQUIRE(m.stream->read(buffer).octets == 5);
  int called = 0;
  m.stream->wait(ByteStream::Wait::read, [&](const boost::system::error_code& e) { called += e ? 100 : 1; });
  CHECK(called == 0);
  host.fake.workers.run();
  CHECK(called == 1);
  CHECK(read_all(*m.stream) == "second");
  m.stream->wait(ByteStream::Wait::read, [&](const boost::system::error_code&) { ++called; });
  host.fake.workers.run();
  CHECK(called == 1);  // now it waits for the peer
}

TEST_CASE("a wait that is open when the stream ends is forgotten; closing calls it") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  REQUIRE(m.shake().status == Status::ok);
  m.client.write("first");
  m.client.write("second");
  std::array<char, 5> buffer;
  REQUIRE(m.stream->read(buffer).octets == 5);
  boost::system::error_code said;
  int called = 0;
  m.stream->wait(ByteStream::Wait::read, [&](const boost::system::error_code& e) { said = e, ++called; });
  SECTION("close") {
    m.stream->close();
    m.stream->close();
    host.fake.workers.run();
    CHECK(called == 1);
    CHECK(said == boost::asio::error::operation_aborted);
    CHECK(m.stream->read(buffer).status == Status::error);
    CHECK(m.stream->write("x").status == Status::error);
  }
  SECTION("end") {
    m.stream.reset();
    host.fake.workers.run();
    CHECK(called == 0);
  }
}

TEST_CASE("a close_notify, and a peer that just goes, are the end; shutdown sends one") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  REQUIRE(m.shake().status == Status::ok);
  std::array<char, 16> buffer;
  SECTION("close_notify") {
    m.client.close();
  }
  SECTION("only FIN") {
    m.client.to_server->ended = true;
  }
  CHECK(m.stream->read(buffer).status == Status::end);
  CHECK(host.metric("sipward_tls_broken_total") == 0);
  m.stream->shutdown();
  m.client.read();
  CHECK((SSL_get_shutdown(m.client.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

TEST_CASE("a handshake that fails says why, and is counted") {
  struct Case {
    const char* octets;
    bool ends;
    const char* fault;
  };
  const Case c = GENERATE(Case{"OPTIONS sip:100@example.com SIP/2.0\r\n\r\n", false, "tls_not_tls"},
                          Case{"GET / HTTP/1.1\r\n\r\n", false, "tls_not_tls"},
                          Case{"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b", false, "tls_not_tls"},
                          Case{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", true, "tls_cut"},
                          Case{"\x15\x03\x01\x00\x02\x02\x28", false, "tls_protocol"},
                          Case{"\x16\x03\x01\xff\xff", false, "tls_protocol"});
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  const std::string octets = c.octets[0] == '\x16' && c.ends
                                 ? std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)
                             : c.octets[0] == '\x15' ? std::string("\x15\x03\x01\x00\x02\x02\x28", 7)
                                                     : c.octets;
  m.client.to_server->octets = octets;
  m.client.to_server->ended = c.ends;
  const auto result = m.stream->handshake();
  INFO(c.fault);
  CHECK(result.status == Status::error);
  CHECK(result.error);
  CHECK(result.fault == c.fault);
  CHECK(host.metric("sipward_tls_handshakes_total", c.fault) == 1);
  CHECK(host.metric("sipward_tls_handshakes_total") == 1);
  CHECK(host.metric("sipward_tls_handshakes_running") == 0);
  // Nobody else is the worse for it.
  Meeting other(host, *server, {});
  CHECK(other.shake().status == Status::ok);
}

TEST_CASE("a client that does not trust the certificate is one that refuses") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {.verify = true});
  CHECK(m.shake().fault == "tls_alert");
  CHECK(host.metric("sipward_tls_handshakes_total", "tls_alert") == 1);
}

TEST_CASE("a client that says nothing and goes is no fault") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  m.client.to_server->ended = true;
  CHECK(m.stream->handshake().status == Status::end);
  CHECK(host.metric("sipward_tls_handshakes_total", "gone") == 1);
}

TEST_CASE("a hello that never ends is cut off") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  m.client.to_server->octets =
      std::string("\x16\x03\x01\x40\x00\x01\x01\xff\xff", 9) + std::string(16380, 'a');
  for (int i = 0; i < 7; ++i)
    m.client.to_server->octets += std::string("\x16\x03\x01\x40\x00", 5) + std::string(16384, 'a');
  const auto result = m.stream->handshake();
  CHECK(result.status == Status::error);
  CHECK(result.fault == "tls_protocol");
  CHECK(m.client.to_server->octets.size() > 40'000);  // it did not read on
}

TEST_CASE("garbage after the handshake ends that stream alone") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {});
  REQUIRE(m.shake().status == Status::ok);
  m.client.to_server->octets = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'z');
  std::array<char, 16> buffer;
  const auto result = m.stream->read(buffer);
  CHECK(result.status == Status::error);
  CHECK(result.fault == "tls_protocol");
  CHECK(host.metric("sipward_tls_broken_total") == 1);
}

TEST_CASE("handshakes beyond a ceiling are refused, of one source and in all") {
  Host host;
  auto options = host.with(plain());
  options.max_handshakes = 3;
  options.max_handshakes_per_source = 2;
  const auto server = host.serve(options);
  Meeting a(host, *server, {}), b(host, *server, {}), c(host, *server, {});
  CHECK(a.stream);
  CHECK(b.stream);
  CHECK_FALSE(c.stream);
  Meeting d(host, *server, {}, "192.0.2.11:5061"), e(host, *server, {}, "192.0.2.12:5061");
  CHECK(d.stream);
  CHECK_FALSE(e.stream);
  CHECK(host.metric("sipward_tls_handshakes_total", "limit") == 2);
  CHECK(host.metric("sipward_tls_handshakes_running") == 3);
  REQUIRE(a.shake().status == Status::ok);  // its place is free again
  d.stream.reset();
  Meeting f(host, *server, {}), g(host, *server, {}, "192.0.2.12:5061");
  CHECK(f.stream);
  CHECK(g.stream);
}

TEST_CASE("nobody renegotiates") {
  Host host;
  const auto server = host.serve(host.with(plain()));
  Meeting m(host, *server, {.max_version = TLS1_2_VERSION});
  REQUIRE(m.shake().status == Status::ok);
  REQUIRE(SSL_renegotiate(m.client.ssl()) == 1);
  m.client.handshake();
  read_all(*m.stream);
  m.client.read();
  CHECK(host.metric("sipward_tls_handshakes_total") == 1);
  CHECK_FALSE(m.client.handshake());
}

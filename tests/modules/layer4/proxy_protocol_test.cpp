#include "proxy_protocol.hpp"

#include "matching.hpp"
#include "pipe.hpp"
#include "proxy_header.hpp"

using namespace sipward;
using namespace sipward::layer4;
using namespace sipward::test;

namespace {

std::string binary(char command, char family, const std::string& body) {
  std::string octets("\r\n\r\n\0\r\nQUIT\n", 12);
  octets += command;
  octets += family;
  octets += static_cast<char>(body.size() >> 8);
  octets += static_cast<char>(body.size() & 255);
  return octets + body;
}

const std::string kBodyV4("\xc6\x33\x64\x07\xcb\x00\x71\x01\xc3\xcb\x13\xc4", 12);

std::string told(const ProxyHeader& header) {
  if (header.state != ProxyHeader::State::complete)
    return header.state == ProxyHeader::State::broken ? "broken" : "more";
  return header.remote ? header.remote->to_string() + " > " + header.local->to_string() : "nobody";
}

// A connection of 10.0.0.1 on which these octets came, through the layer that trusts 10.0.0.0/8.
struct Connection {
  std::shared_ptr<Pipe> in = std::make_shared<Pipe>(), out = std::make_shared<Pipe>();
  FakeClock clock;
  FakeWorker worker{clock};
  ProxyProtocol handler{{*Cidr::parse("10.0.0.0/8")}};
  StreamInfo info;
  std::unique_ptr<ByteStream> stream;
  explicit Connection(const std::string& octets, const std::string& remote = "10.0.0.1:1000") {
    in->octets = octets;
    info = from(remote, "10.0.0.2:5060");
    stream = handler.wrap(worker, std::make_unique<PipeEnd>(in, out), info);
  }
};

}  // namespace

TEST_CASE("a PROXY header says whose a connection is") {
  struct Case {
    std::string octets;
    const char* told;
  };
  const std::string v4 = "198.51.100.7:50123 > 203.0.113.1:5060";
  for (const auto& c : {
           Case{"PROXY TCP4 198.51.100.7 203.0.113.1 50123 5060\r\n", v4.c_str()},
           Case{"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "[2001:db8::1]:1 > [2001:db8::2]:2"},
           Case{"PROXY UNKNOWN\r\n", "nobody"},
           Case{"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "nobody"},
           Case{"PROXY TCP4 198.51.100.7 203.0.113.1 50123\r\n", "broken"},
           Case{"PROXY TCP4 198.51.100.7 203.0.113.1 50123 5060 1\r\n", "broken"},
           Case{"PROXY TCP4 198.51.100.7 203.0.113.1 99999 5060\r\n", "broken"},
           Case{"PROXY TCP4 198.51.100.7 203.0.113.1 050 5060\r\n", "broken"},
           Case{"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "broken"},
           Case{"PROXY TCP4 name 203.0.113.1 1 2\r\n", "broken"},
           Case{"PROXY UDP4 198.51.100.7 203.0.113.1 1 2\r\n", "broken"},
           Case{"PROXY " + std::string(120, 'x'), "broken"},
           Case{"OPTIONS sip:a SIP/2.0\r\n", "broken"},
           Case{"PROXY TCP4 198.51.100.7 203.0.113.1 50123 5060", "more"},
           Case{binary('\x21', '\x11', kBodyV4), v4.c_str()},
           Case{binary('\x21', '\x11', kBodyV4 + std::string("\x04\x00\x01x", 4)), v4.c_str()},
           Case{binary('\x20', '\x00', ""), "nobody"},
           Case{binary('\x21', '\x31', std::string(216, 'u')), "nobody"},
           Case{binary('\x21', '\x11', kBodyV4.substr(1)), "broken"},
           Case{binary('\x11', '\x11', kBodyV4), "broken"},
           Case{binary('\x22', '\x11', kBodyV4), "broken"},
           Case{binary('\x21', '\x11', std::string(5000, 'x')), "broken"},
       }) {
    CAPTURE(c.octets, c.told);
    CHECK(told(read_proxy_header(c.octets)) == c.told);
    // However it comes, it never wants an octet of what follows.
    if (std::string(c.told) == "broken" || std::string(c.told) == "more") continue;
    std::size_t have = 1;
    while (have < c.octets.size()) {
      const auto part = read_proxy_header(c.octets.substr(0, have));
      REQUIRE(part.state == ProxyHeader::State::need_more);
      REQUIRE(part.needs > 0);
      have += part.needs;
    }
    CHECK(have == c.octets.size());
  }
}

TEST_CASE("the header is taken off, and nothing behind it") {
  for (const std::size_t most : {1U, 7U, 4096U}) {
    for (const auto& header : {std::string("PROXY TCP4 198.51.100.7 203.0.113.1 50123 5060\r\n"),
                               binary('\x21', '\x11', kBodyV4)}) {
      CAPTURE(most, header);
      Connection c(header + "rest");
      c.in->most = most;
      CHECK(c.stream->handshake().status == ByteStream::Status::ok);
      CHECK(c.info.source.remote.to_string() == "198.51.100.7:50123");
      CHECK(c.info.source.local.to_string() == "203.0.113.1:5060");
      CHECK(c.in->octets == "rest");
      CHECK(c.stream->unwrap());
    }
  }
}

TEST_CASE("what is no header ends the connection of a balancer, with a word for it") {
  Connection c("OPTIONS sip:a SIP/2.0\r\n");
  const auto result = c.stream->handshake();
  CHECK(result.status == ByteStream::Status::error);
  CHECK(result.fault == "proxy_header");
  Connection slow("PROX");
  CHECK(slow.stream->handshake().status == ByteStream::Status::want_read);
}

TEST_CASE("nobody but the balancers is believed") {
  const std::string header = "PROXY TCP4 198.51.100.7 203.0.113.1 50123 5060\r\n";
  Connection c(header, "192.0.2.1:1000");
  CHECK_FALSE(c.handler.relays(c.info.source));
  CHECK(c.stream->handshake().status == ByteStream::Status::ok);
  CHECK(c.info.source.remote.to_string() == "192.0.2.1:1000");
  CHECK(c.in->octets == header);
  CHECK(faults("proxy_protocol { allow nonsense }", read_proxy_protocol).find("nonsense") !=
        std::string::npos);
  CHECK(read_line("proxy_protocol { allow 10.0.0.0/8 private_ranges }", read_proxy_protocol).size() == 7);
}

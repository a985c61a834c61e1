#include "client_hello.hpp"

#include <catch2/catch.hpp>

#include "matcher.hpp"
#include "peer.hpp"

using namespace sipward;
using namespace sipward::test;
using tls::ClientHello;

namespace {

std::string hello(const Client::Setup& setup) {
  Client client(setup);
  client.handshake();
  return client.to_server->octets;
}

// The same handshake message in records of `size` octets.
std::string split_records(const std::string& octets, std::size_t size) {
  std::string out;
  for (std::size_t at = 5; at < octets.size(); at += size) {
    const auto part = octets.substr(at, size);
    out += octets.substr(0, 3) + static_cast<char>(part.size() >> 8) + static_cast<char>(part.size() & 0xFF) +
           part;
  }
  return out;
}

Match judge(tls::MatcherOptions options, const std::string& octets, bool complete = false) {
  const StreamInfo info;
  return tls::TlsMatcher(std::move(options)).match_start({info, octets, complete});
}

}  // namespace

TEST_CASE("a ClientHello is read however it is split, and no octet too early") {
  const auto whole = hello({.server_name = "SIP.Example.com", .alpn = {"sip", "h2"}});
  const auto record = GENERATE(std::size_t{1}, std::size_t{100}, std::size_t{4096});
  const auto octets = split_records(whole, record);
  for (std::size_t n = 0; n < octets.size(); ++n) {
    ClientHello out;
    INFO(n << " of " << octets.size() << " in records of " << record);
    REQUIRE(ClientHello::read(octets.substr(0, n), out) == ClientHello::Read::need_more);
  }
  ClientHello out;
  REQUIRE(ClientHello::read(octets, out) == ClientHello::Read::whole);
  CHECK(out.server_name == "sip.example.com");
  CHECK(out.alpn == std::vector<std::string>{"sip", "h2"});
  REQUIRE(ClientHello::read(octets + "more", out) == ClientHello::Read::whole);
}

TEST_CASE("what is no ClientHello is told at once") {
  using namespace std::string_literals;
  for (const auto& octets :
       {"O"s, "GET / HTTP/1.1\r\n"s, "\x16\x02"s, "\x17\x03\x03"s, "\x16\x03\x01\x00\x00"s,
        "\x16\x03\x01\x40\x01"s, "\x16\x03\x01\x00\x04\x02"s, "\x16\x03\x01\x00\x04\x01\xff\xff\xff"s,
        "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"s}) {
    ClientHello out;
    CHECK(ClientHello::read(octets, out) == ClientHello::Read::none);
  }
}

TEST_CASE("lengths that lie are not believed") {
  const auto whole = hello({});
  for (std::size_t at = 9; at < whole.size(); ++at) {
    auto octets = whole;
    octets[at] = static_cast<char>(0xFF);
    ClientHello out;
    (void)ClientHello::read(octets, out);  // the sanitizers judge
    CHECK(out.server_name.size() <= 253);
  }
}

TEST_CASE("the matcher judges names and protocols") {
  const auto octets = hello({.server_name = "sip.example.com", .alpn = {"sip"}});
  CHECK(judge({}, octets) == Match::yes);
  CHECK(judge({}, hello({.server_name = ""})) == Match::yes);
  CHECK(judge({.sni = {"sip.example.com"}, .alpn = {}}, octets) == Match::yes);
  CHECK(judge({.sni = {"other.example.com", "SIP.example.com"}, .alpn = {}}, octets) == Match::yes);
  CHECK(judge({.sni = {"*.example.com"}, .alpn = {}}, octets) == Match::yes);
  CHECK(judge({.sni = {"*.com"}, .alpn = {}}, octets) == Match::no);
  CHECK(judge({.sni = {"*.sip.example.com"}, .alpn = {}}, octets) == Match::no);
  CHECK(judge({.sni = {"sip.example.com"}, .alpn = {}}, hello({.server_name = ""})) == Match::no);
  CHECK(judge({.sni = {}, .alpn = {"h2", "sip"}}, octets) == Match::yes);
  CHECK(judge({.sni = {}, .alpn = {"h2"}}, octets) == Match::no);
  CHECK(judge({}, octets.substr(0, 50)) == Match::need_more);
  CHECK(judge({}, octets.substr(0, 50), true) == Match::no);
  CHECK(judge({}, "") == Match::need_more);
  CHECK(judge({}, "OPTIONS sip:a SIP/2.0") == Match::no);
}

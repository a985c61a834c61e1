#include <catch2/catch.hpp>
#include <string>

#include "sipward/config/scalars.hpp"

using namespace sipward;
using namespace sipward::config;
using std::chrono::milliseconds;

TEST_CASE("durations are read exactly and printed shortly") {
  const auto [text, ms, canonical] =
      GENERATE(table<std::string, long long, std::string>({{"300ms", 300, "300ms"},
                                                           {"1.5h", 5'400'000, "1h30m"},
                                                           {"2h45m", 9'900'000, "2h45m"},
                                                           {"10d", 864'000'000, "10d"},
                                                           {"0", 0, "0s"},
                                                           {"0s", 0, "0s"},
                                                           {"90s", 90'000, "1m30s"},
                                                           {"1d1h1m1s1ms", 90'061'001, "1d1h1m1s1ms"},
                                                           {"0.001s", 1, "1ms"},
                                                           {"1.0005s", 1000, "1s"},
                                                           {"36500d", 3'153'600'000'000, "36500d"}}));
  INFO(text);
  const auto parsed = parse_duration(text);
  REQUIRE(parsed);
  CHECK(parsed->count() == ms);
  CHECK(format_duration(*parsed) == canonical);
  CHECK(parse_duration(canonical) == parsed);
}

TEST_CASE("what is no duration is refused") {
  const std::string text =
      GENERATE("", "10", "m", "-1s", "+1s", "1hour", "1 h", " 1h", "1h ", "1h1h", "1m1h", "1s500", "1.5",
               "1.h", ".5h", "1..5h", "1,5h", "0.5ms", "1.1234567s", "1e3s", "1us", "1H", "36501d",
               "36500d1ms", "99999999999999999999d", "18446744073709551616ms", "9223372036854775808ms",
               "213503982335d", "0x10s", "∞s");
  INFO(text);
  CHECK_FALSE(parse_duration(text));
}

TEST_CASE("sizes are read exactly and printed shortly") {
  const auto [text, octets, canonical] = GENERATE(table<std::string, std::uint64_t, std::string>(
      {{"0", 0, "0"},
       {"65535", 65535, "65535"},
       {"64KiB", 65536, "64KiB"},
       {"1.5MiB", 1572864, "1536KiB"},
       {"100MiB", 104857600, "100MiB"},
       {"10MB", 10'000'000, "10000000"},
       {"1kB", 1000, "1000"},
       {"1KB", 1000, "1000"},
       {"7B", 7, "7"},
       {"8388607TiB", 9223370937343148032ULL, "8388607TiB"},
       {"9223372036854775807", 9223372036854775807ULL, "9223372036854775807"}}));
  INFO(text);
  const auto parsed = parse_size(text);
  REQUIRE(parsed);
  CHECK(*parsed == octets);
  CHECK(format_size(*parsed) == canonical);
}

TEST_CASE("what is no size is refused") {
  const std::string text =
      GENERATE("", "KiB", "-1", "+1", "1 KiB", "1kib", "1K", "1XB", "0x10", "0.1B", "1.", "1.0000001GB",
               "9223372036854775808", "8388608TiB", "18446744073709551616", "99999999999999999999GB");
  INFO(text);
  CHECK_FALSE(parse_size(text));
}

TEST_CASE("numbers are plain digits within 64 bits") {
  CHECK(parse_number("0") == 0);
  CHECK(parse_number("-5") == -5);
  CHECK(parse_number("9223372036854775807") == 9223372036854775807LL);
  const std::string text =
      GENERATE("", "+1", "1.0", "1 ", " 1", "0x1", "9223372036854775808", "--1", "1e3", "ten");
  INFO(text);
  CHECK_FALSE(parse_number(text));
}

TEST_CASE("flags are on, off, true and false, and nothing else") {
  CHECK(parse_flag("on") == true);
  CHECK(parse_flag("true") == true);
  CHECK(parse_flag("off") == false);
  CHECK(parse_flag("false") == false);
  const std::string text = GENERATE("", "yes", "no", "1", "0", "On", "TRUE");
  INFO(text);
  CHECK_FALSE(parse_flag(text));
}

TEST_CASE("rates are read with and without burst") {
  const auto [text, rate, canonical] = GENERATE(table<std::string, Rate, std::string>(
      {{"10/s", {10, milliseconds(1000), 10}, "10/s"},
       {"600/m", {600, milliseconds(60'000), 600}, "600/m"},
       {"5/30s", {5, milliseconds(30'000), 5}, "5/30s"},
       {"10/s burst 20", {10, milliseconds(1000), 20}, "10/s burst 20"},
       {"10/s  burst\t20", {10, milliseconds(1000), 20}, "10/s burst 20"},
       {"1/d", {1, milliseconds(86'400'000), 1}, "1/d"},
       {"4294967295/ms burst 1", {4294967295U, milliseconds(1), 1}, "4294967295/ms burst 1"}}));
  INFO(text);
  const auto parsed = parse_rate(text);
  REQUIRE(parsed);
  CHECK(*parsed == rate);
  CHECK(format_rate(*parsed) == canonical);
}

TEST_CASE("what is no rate is refused") {
  const std::string text = GENERATE("", "10", "10/", "/s", "0/s", "-1/s", "10/0", "10/0s", "10/x",
                                    "4294967296/s", "10/s burst", "10/s burst 0", "10/s 20", "10/s bust 20",
                                    "10/s burst 20 30", "10/s burst 4294967296", "1.5/s", "10 / s");
  INFO(text);
  CHECK_FALSE(parse_rate(text));
}

TEST_CASE("addresses to listen on are read and printed") {
  const auto [text, address] = GENERATE(table<std::string, ListenAddress>(
      {{"udp/:5060", {Transport::udp, "", 5060, 5060, ""}},
       {"tcp/192.0.2.1:5060", {Transport::tcp, "192.0.2.1", 5060, 5060, ""}},
       {"tls/[2001:db8::1]:5061", {Transport::tls, "2001:db8::1", 5061, 5061, ""}},
       {"ws/:80", {Transport::ws, "", 80, 80, ""}},
       {"wss/sip.example.com:443", {Transport::wss, "sip.example.com", 443, 443, ""}},
       {"udp/:10000-10010", {Transport::udp, "", 10000, 10010, ""}},
       {"udp/:0", {Transport::udp, "", 0, 0, ""}},
       {":2020", {std::nullopt, "", 2020, 2020, ""}},
       {"localhost:2020", {std::nullopt, "localhost", 2020, 2020, ""}},
       {"[::1]:2020", {std::nullopt, "::1", 2020, 2020, ""}},
       {"unix//run/x.sock", {std::nullopt, "", 0, 0, "/run/x.sock"}}}));
  INFO(text);
  const auto parsed = parse_listen(text);
  REQUIRE(parsed);
  CHECK(*parsed == address);
  CHECK(parsed->to_string() == text);
}

TEST_CASE("what is no address to listen on is refused") {
  const std::string text = GENERATE(
      "", ":", "udp", "udp/", "udp/:", "udp/:65536", "udp/:-1", "udp/:5060-", "udp/:-5060", "udp/:5070-5060",
      "udp/:0-10", "udp/:5060-65536", "udp/300.1.1.1:5060", "udp/1.2.3:5060", "UDP/:5060", "sctp/:5060",
      "/:5060", "udp//:5060", "udp/[::1:5060", "udp/[::1]5060", "udp/[1.2.3.4]:5060", "udp/::1:5060",
      "udp/host:5060:1", "udp/ho st:5060", "udp/-host:5060", "udp/a..b:5060", "udp/{env.HOST}:5060", "unix/",
      "unix//", "unix/relative", "udp/host", "localhost");
  INFO(text);
  CHECK_FALSE(parse_listen(text));
  CHECK_FALSE(parse_listen("unix//" + std::string(200, 'a')));
  CHECK_FALSE(parse_listen("udp/" + std::string(254, 'a') + ":1"));
}

TEST_CASE("addresses to send to are read and printed") {
  const auto [text, address, port] = GENERATE(table<std::string, UpstreamAddress, Port>(
      {{"udp/freepbx:5060", {Transport::udp, "freepbx", 5060, false, ""}, 5060},
       {"tcp/[2001:db8::1]:5070", {Transport::tcp, "2001:db8::1", 5070, false, ""}, 5070},
       {"192.0.2.10", {std::nullopt, "192.0.2.10", 0, false, ""}, 5060},
       {"tls/pbx", {Transport::tls, "pbx", 0, false, ""}, 5061},
       {"ws/pbx", {Transport::ws, "pbx", 0, false, ""}, 80},
       {"wss/[2001:db8::1]", {Transport::wss, "2001:db8::1", 0, false, ""}, 443},
       {"docker_name:5060", {std::nullopt, "docker_name", 5060, false, ""}, 5060},
       {"srv/_sip._udp.example.com", {std::nullopt, "_sip._udp.example.com", 0, true, ""}, 5060},
       {"unix//run/pbx.sock", {std::nullopt, "", 0, false, "/run/pbx.sock"}, 5060}}));
  INFO(text);
  const auto parsed = parse_upstream(text);
  REQUIRE(parsed);
  CHECK(*parsed == address);
  CHECK(parsed->to_string() == text);
  CHECK(parsed->port_or_default() == port);
}

TEST_CASE("an upstream without a transport takes the port of the traffic's") {
  CHECK(parse_upstream("pbx")->port_or_default(Transport::tls) == 5061);
  CHECK(parse_upstream("192.0.2.10:1")->address() == Address::parse("192.0.2.10"));
  CHECK_FALSE(parse_upstream("pbx")->address());
}

TEST_CASE("what is no address to send to is refused") {
  const std::string text =
      GENERATE("", "udp/", ":5060", "udp/:5060", "udp/pbx:", "udp/pbx:0", "udp/pbx:65536",
               "udp/pbx:5060-5070", "http://pbx:5060", "srv/", "srv/a b", "udp/srv/x", "2001:db8::1",
               "unix/x", "udp/256.1.1.1", "foo/pbx:1");
  INFO(text);
  CHECK_FALSE(parse_upstream(text));
}

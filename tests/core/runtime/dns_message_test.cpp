#include "runtime/dns_message.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using Octets = std::vector<std::uint8_t>;

namespace {

void number(Octets& to, std::uint32_t value, unsigned octets) {
  while (octets-- > 0) to.push_back(static_cast<std::uint8_t>(value >> (8 * octets)));
}

void name(Octets& to, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('.', at), text.size());
    to.push_back(static_cast<std::uint8_t>(end - at));
    to.insert(to.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
              text.begin() + static_cast<std::ptrdiff_t>(end));
    at = end + 1;
  }
  to.push_back(0);
}

Octets head(unsigned answers) {
  Octets message;
  number(message, 0x12348180, 4);
  number(message, 1, 2);
  number(message, answers, 2);
  number(message, 0, 4);
  name(message, "_sip._udp.example.com");  // at 12
  number(message, 33, 2);
  number(message, 1, 2);
  return message;
}

Octets data(unsigned priority, unsigned weight, unsigned port, const std::string& target) {
  Octets octets;
  number(octets, priority, 2);
  number(octets, weight, 2);
  number(octets, port, 2);
  name(octets, target);
  return octets;
}

void record(Octets& to, unsigned type, std::uint32_t ttl, const Octets& octets) {
  number(to, 0xC00C, 2);
  number(to, type, 2);
  number(to, 1, 2);
  number(to, ttl, 4);
  number(to, static_cast<std::uint32_t>(octets.size()), 2);
  to.insert(to.end(), octets.begin(), octets.end());
}

}  // namespace

TEST_CASE("the records of a service are read with the least TTL") {
  auto message = head(3);
  record(message, 33, 300, data(10, 60, 5060, "B.Example.com"));
  record(message, 33, 60, data(5, 0, 5070, "a.example.com"));
  record(message, 1, 1, {192, 0, 2, 1});  // somebody else's record, and its TTL
  const auto answer = parse_srv(message);
  REQUIRE(answer);
  CHECK(answer->records ==
        std::vector<SrvRecord>{{"a.example.com", 5070, 5, 0}, {"b.example.com", 5060, 10, 60}});
  CHECK(answer->ttl == std::chrono::seconds(60));
}

TEST_CASE("a target may point back into the message, and nowhere else") {
  auto message = head(1);
  auto octets = data(1, 2, 3, "trunk");
  octets.pop_back();
  number(octets, 0xC016, 2);  // "example.com" of the question
  record(message, 33, 60, octets);
  const auto answer = parse_srv(message);
  REQUIRE(answer);
  REQUIRE(answer->records.size() == 1);
  CHECK(answer->records[0].target == "trunk.example.com");

  for (const unsigned pointer : {0xC000U + 12U + 27U + 12U + 6U, 0xFFFFU, 0xC100U}) {
    auto bad = head(1);
    auto rest = data(1, 2, 3, "");
    rest.pop_back();
    number(rest, pointer, 2);
    record(bad, 33, 60, rest);
    CHECK_FALSE(parse_srv(bad));
  }
}

TEST_CASE("what is no host name, and the root, is left out") {
  auto message = head(3);
  record(message, 33, 60, data(0, 0, 0, ""));
  record(message, 33, 60, data(0, 0, 5060, "bad host"));
  record(message, 33, 60, data(0, 0, 5060, "good"));
  const auto answer = parse_srv(message);
  REQUIRE(answer);
  REQUIRE(answer->records.size() == 1);
  CHECK(answer->records[0].target == "good");
}

TEST_CASE("a message cut off anywhere is none") {
  auto message = head(2);
  record(message, 33, 300, data(10, 60, 5060, "b.example.com"));
  record(message, 33, 300, data(10, 60, 5060, "c.example.com"));
  for (std::size_t size = 0; size < message.size(); ++size) {
    INFO(size);
    CHECK_FALSE(parse_srv(std::span(message).first(size)));
  }
}

TEST_CASE("a record that is longer or shorter than its target is none") {
  for (const int more : {-1, -10}) {
    auto message = head(1);
    const auto start = message.size();
    record(message, 33, 300, data(10, 60, 5060, "b.example.com"));
    message[start + 11] = static_cast<std::uint8_t>(message[start + 11] + more);
    CHECK_FALSE(parse_srv(message));
  }
}

TEST_CASE("of very many records only so many are kept") {
  auto message = head(500);
  for (unsigned i = 0; i < 500; ++i) record(message, 33, 300, data(0, 0, 5060, "h" + std::to_string(i)));
  const auto answer = parse_srv(message);
  REQUIRE(answer);
  CHECK(answer->records.size() == kMaxSrvRecords);
}

TEST_CASE("a TTL with its highest bit set is none") {
  auto message = head(1);
  record(message, 33, 0x80000001U, data(0, 0, 5060, "good"));
  REQUIRE(parse_srv(message));
  CHECK(parse_srv(message)->ttl == std::chrono::seconds(0));
}

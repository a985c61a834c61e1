#include <catch2/catch.hpp>
#include <string>

#include "sipward/net.hpp"

using namespace sipward;

namespace {

constexpr HashKey kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

}  // namespace

TEST_CASE("the hash is SipHash-1-3") {
  // Input 00 01 02 … under the key 00 01 … 0f, as OpenSSL's SIPHASH with one and three rounds gives it.
  struct Row {
    std::size_t length;
    std::uint64_t hash;  // its octets in memory order read from the left: dc c4 0f …
  };
  const auto row = GENERATE(values<Row>({{0, 0xABAC0158050FC4DCULL},
                                         {1, 0xC9F49BF37D57CA93ULL},
                                         {7, 0xD3927D989BB11140ULL},
                                         {8, 0x369095118D299A8EULL},
                                         {15, 0xD320D86D2A519956ULL},
                                         {16, 0xCC4FDD1A7D908B66ULL},
                                         {18, 0x8FFC389CB473E63EULL},
                                         {63, 0x9D199062B7BBB3A8ULL}}));
  std::string input;
  for (std::size_t i = 0; i < row.length; ++i) input += static_cast<char>(i);
  INFO(row.length);
  CHECK(keyed_hash(kKey, input) == row.hash);
}

TEST_CASE("the hash of an address depends on the key, on the address and on the port") {
  const auto a = *Address::parse("192.0.2.1");
  const auto b = *Address::parse("192.0.2.2");
  const HashKey other{1, 2};
  CHECK(keyed_hash(kKey, a) == keyed_hash(kKey, *Address::parse("::ffff:192.0.2.1")));
  CHECK(keyed_hash(kKey, a) != keyed_hash(kKey, b));
  CHECK(keyed_hash(kKey, a) != keyed_hash(other, a));
  CHECK(keyed_hash(kKey, Endpoint{a, 1}) != keyed_hash(kKey, Endpoint{a, 2}));
  CHECK(keyed_hash(kKey, Endpoint{a, 0}) != keyed_hash(kKey, a));
}

TEST_CASE("every process draws a key of its own") {
  const auto a = HashKey::random();
  const auto b = HashKey::random();
  CHECK((a.k0 != b.k0 || a.k1 != b.k1));
}

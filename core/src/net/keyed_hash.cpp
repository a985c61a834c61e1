#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <system_error>

#include "sipward/net.hpp"

// SipHash-1-3: one round for each word, three at the end (Aumasson and Bernstein, "SipHash: a fast
// short-input PRF").
namespace sipward {
namespace {

std::uint64_t little_endian(const char* octets, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(octets[i])) << (8 * i);
  return value;
}

std::uint64_t word_at(const char* octets) {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint64_t value = 0;
    std::memcpy(&value, octets, sizeof value);
    return value;
  }
  return little_endian(octets, 8);
}

struct State {
  std::uint64_t v0, v1, v2, v3;

  explicit State(const HashKey& key)
      : v0(key.k0 ^ 0x736f6d6570736575ULL),
        v1(key.k1 ^ 0x646f72616e646f6dULL),
        v2(key.k0 ^ 0x6c7967656e657261ULL),
        v3(key.k1 ^ 0x7465646279746573ULL) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void add(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
  std::uint64_t finish() {
    v2 ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

HashKey HashKey::random() {
  HashKey key;
  std::array<std::uint64_t, 2> words{};
  ssize_t got = 0;
  do {
    got = getrandom(words.data(), sizeof words, 0);
  } while (got < 0 && errno == EINTR);
  // Requests of up to 256 octets are never cut short, so anything else is a machine without randomness.
  if (got != static_cast<ssize_t>(sizeof words))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  key.k0 = words[0];
  key.k1 = words[1];
  return key;
}

std::uint64_t keyed_hash(const HashKey& key, std::string_view octets) {
  State state(key);
  const char* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= 8; at += 8, left -= 8) state.add(word_at(at));
  state.add(static_cast<std::uint64_t>(octets.size()) << 56 | little_endian(at, left));
  return state.finish();
}

std::uint64_t keyed_hash(const HashKey& key, const Address& address) {
  State state(key);
  state.add(address.high());
  state.add(address.low());
  state.add(16ULL << 56);
  return state.finish();
}

std::uint64_t keyed_hash(const HashKey& key, const Endpoint& endpoint) {
  State state(key);
  state.add(endpoint.address.high());
  state.add(endpoint.address.low());
  state.add(18ULL << 56 | endpoint.port);
  return state.finish();
}

}  // namespace sipward

#include "nonces.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>

namespace sipward::digest_auth {
namespace {

// 4 octets of seconds, 4 of chance, 16 of seal: 24 octets are 32 characters of base64, without padding.
constexpr std::size_t kPlain = 8;
constexpr std::size_t kOctets = 24;
constexpr std::uint32_t kAhead = 5;  // seconds that another node's clock may be ahead

using Octets = std::array<unsigned char, kOctets>;

std::uint32_t seconds(WallTime now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

void seal(const std::array<unsigned char, 32>& key, const Address& client, Octets& octets) {
  std::array<unsigned char, kPlain + 16> text{};
  std::memcpy(text.data(), octets.data(), kPlain);
  const auto source = source_of(client);
  std::memcpy(text.data() + kPlain, source.octets().data(), 16);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text.data(), text.size(), mac.data(),
            &size))
    throw std::runtime_error("HMAC failed");
  std::memcpy(octets.data() + kPlain, mac.data(), kOctets - kPlain);
}

}  // namespace

Nonces::Nonces(std::string_view secret, std::string_view realm, std::chrono::seconds lifetime)
    : lifetime_(lifetime) {
  unsigned size = 0;
  const bool ok =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(realm.data()), realm.size(), key_.data(), &size);
  if (!ok) throw std::runtime_error("HMAC failed");
}

Nonces::Text Nonces::make(const Address& client, WallTime now) const {
  Octets octets{};
  const auto made = seconds(now);
  for (unsigned i = 0; i < 4; ++i) octets[i] = static_cast<unsigned char>(made >> (24 - 8 * i));
  if (RAND_bytes(octets.data() + 4, 4) != 1) throw std::runtime_error("no random numbers");
  seal(key_, client, octets);
  std::array<unsigned char, kLength + 1> text{};
  EVP_EncodeBlock(text.data(), octets.data(), static_cast<int>(kOctets));
  Text result;
  std::memcpy(result.data(), text.data(), kLength);
  return result;
}

Nonces::Judged Nonces::judge(std::string_view nonce, const Address& client, WallTime now) const {
  if (nonce.size() != kLength) return {};
  Octets octets{};
  if (EVP_DecodeBlock(octets.data(), reinterpret_cast<const unsigned char*>(nonce.data()),
                      static_cast<int>(kLength)) != static_cast<int>(kOctets))
    return {};
  auto ours = octets;
  seal(key_, client, ours);
  if (CRYPTO_memcmp(ours.data(), octets.data(), kOctets) != 0) return {};
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < kPlain; ++i) id = id << 8 | octets[i];
  const auto made = static_cast<std::uint32_t>(id >> 32);
  const auto age = static_cast<std::int64_t>(seconds(now)) - static_cast<std::int64_t>(made);
  if (age > lifetime_.count() || age < -static_cast<std::int64_t>(kAhead)) return {State::stale, id};
  return {State::good, id};
}

}  // namespace sipward::digest_auth

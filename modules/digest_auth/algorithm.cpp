#include "algorithm.hpp"

#include <openssl/crypto.h>

#include <new>

#include "sipward/sip/header.hpp"

namespace sipward::digest_auth {
namespace {

constexpr std::array<std::string_view, kAlgorithms> kNames{"SHA-512-256", "SHA-256", "MD5"};
constexpr std::array<const char*, kAlgorithms> kMethods{"SHA512-256", "SHA256", "MD5"};

char lower_hex(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) return c;
  return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : '\0';
}

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  if (text.empty()) return Algorithm::md5;
  for (std::size_t i = 0; i < kAlgorithms; ++i)
    if (sip::iequals(text, kNames[i])) return static_cast<Algorithm>(i);
  return std::nullopt;
}

bool Hex::equals(std::string_view other) const {
  if (size_ == 0 || other.size() != size_) return false;
  std::array<char, 64> lower{};
  for (std::size_t i = 0; i < size_; ++i) lower[i] = lower_hex(other[i]);
  return CRYPTO_memcmp(lower.data(), text_.data(), size_) == 0;
}

std::optional<Hex> Hex::parse(Algorithm algorithm, std::string_view text) {
  Hex hex;
  if (text.size() != length(algorithm)) return std::nullopt;
  for (const char c : text) {
    hex.text_[hex.size_] = lower_hex(c);
    if (hex.text_[hex.size_++] == '\0') return std::nullopt;
  }
  return hex;
}

Hasher::Hasher() : context_(EVP_MD_CTX_new()) {
  // Fetched once: to look a method up takes a lock and longer than to hash with it.
  for (std::size_t i = 0; i < kAlgorithms; ++i)
    methods_[i].reset(EVP_MD_fetch(nullptr, kMethods[i], nullptr));
  if (!context_) throw std::bad_alloc();
}

Hex Hasher::operator()(Algorithm algorithm, std::initializer_list<std::string_view> parts) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  auto* const context = context_.get();
  // Fails only where a policy forbids the method; an empty hash fits nothing.
  bool ok = EVP_DigestInit_ex2(context, methods_[static_cast<std::size_t>(algorithm)].get(), nullptr) == 1;
  bool first = true;
  for (const auto part : parts) {
    if (!first) ok = ok && EVP_DigestUpdate(context, ":", 1) == 1;
    ok = ok && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
    first = false;
  }
  ok = ok && EVP_DigestFinal_ex(context, octets.data(), &size) == 1 && 2 * size == Hex::length(algorithm);
  Hex hex;
  if (!ok) return hex;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    hex.text_[hex.size_++] = kDigits[octets[i] >> 4];
    hex.text_[hex.size_++] = kDigits[octets[i] & 15];
  }
  return hex;
}

}  // namespace sipward::digest_auth

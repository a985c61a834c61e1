#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>

namespace sipward::digest_auth {

// RFC 8760 2: what SIP knows. Their order is the order of strength.
enum class Algorithm : std::uint8_t { sha_512_256, sha_256, md5 };
inline constexpr std::size_t kAlgorithms = 3;
std::string_view to_string(Algorithm algorithm);  // "SHA-512-256", …
// Without case; nullopt for anything else, the -sess forms included, which nobody offers here. Empty is MD5
// (RFC 7616 3.4).
std::optional<Algorithm> parse_algorithm(std::string_view text);

// A hash in lower-case hex, as digest writes it: 32 or 64 characters.
class Hex {
 public:
  Hex() = default;
  std::string_view text() const { return {text_.data(), size_}; }
  // Without case and in constant time.
  bool equals(std::string_view other) const;
  // nullopt when `text` is not the hex of a hash of that algorithm.
  static std::optional<Hex> parse(Algorithm algorithm, std::string_view text);
  static std::size_t length(Algorithm algorithm) { return algorithm == Algorithm::md5 ? 32 : 64; }

 private:
  friend class Hasher;
  std::array<char, 64> text_{};
  std::uint8_t size_ = 0;
};

// Computes hashes without allocating per call. One thread's.
class Hasher {
 public:
  Hasher();
  // Of the parts with a colon between each two.
  Hex operator()(Algorithm algorithm, std::initializer_list<std::string_view> parts);

 private:
  struct Free {
    void operator()(EVP_MD* md) const { EVP_MD_free(md); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::array<std::unique_ptr<EVP_MD, Free>, kAlgorithms> methods_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace sipward::digest_auth

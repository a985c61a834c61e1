#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "algorithm.hpp"

namespace sipward::digest_auth {

// The HA1s (RFC 7616 3.4.2) of one realm's users, read from a file. Immutable once read; safe to call from
// any thread.
class Users {
 public:
  static constexpr std::size_t kMaxFile = std::size_t{64} << 20;

  // The file has a line `user:realm:HA1` for each user, as htdigest writes them: the HA1 of MD5 has 32
  // digits, of SHA-256 64; that of SHA-512-256 stands behind `SHA-512-256=`. A user may have one of each.
  // Lines that begin with # and empty ones are passed over, other realms too. Throws config::ConfigError with
  // file and line when it can't be read as that, or has no user of that realm.
  static Users read(const std::filesystem::path& file, std::string_view realm);

  // nullptr when there is no such user, or none with that algorithm.
  const Hex* ha1(std::string_view user, Algorithm algorithm) const;
  bool has(Algorithm algorithm) const { return known_[static_cast<std::size_t>(algorithm)]; }
  std::size_t size() const { return users_.size(); }

 private:
  using Secrets = std::array<std::optional<Hex>, kAlgorithms>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, Secrets, Hash, std::equal_to<>> users_;
  std::array<bool, kAlgorithms> known_{};
};

}  // namespace sipward::digest_auth

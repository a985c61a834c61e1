#include "users.hpp"

#include <fstream>

#include "sipward/config.hpp"

namespace sipward::digest_auth {
namespace {

constexpr std::string_view kStrongest = "SHA-512-256=";

struct Secret {
  Algorithm algorithm;
  Hex ha1;
};

std::optional<Secret> parse_secret(std::string_view text) {
  auto algorithm = text.size() == Hex::length(Algorithm::md5) ? Algorithm::md5 : Algorithm::sha_256;
  if (text.starts_with(kStrongest)) {
    text.remove_prefix(kStrongest.size());
    algorithm = Algorithm::sha_512_256;
  }
  const auto ha1 = Hex::parse(algorithm, text);
  if (!ha1) return std::nullopt;
  return Secret{algorithm, *ha1};
}

}  // namespace

Users Users::read(const std::filesystem::path& file, std::string_view realm) {
  std::ifstream stream(file);
  if (!stream) throw config::ConfigError(file.string() + " can't be read");
  Users users;
  std::string line;
  std::size_t octets = 0;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const auto fail = [&](const std::string& what) {
      throw config::ConfigError(file.string() + ':' + std::to_string(number) + ": " + what);
    };
    if ((octets += line.size()) > kMaxFile) fail("the file is too large");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    // The user has no colon (RFC 7616 3.4), a realm may; the HA1 is behind the last.
    const auto first = line.find(':'), last = line.rfind(':');
    if (first == std::string::npos || first == last || first == 0) fail("this is not user:realm:HA1");
    const auto secret = parse_secret(std::string_view(line).substr(last + 1));
    if (!secret) fail("the HA1 is not 32 digits (MD5), 64 (SHA-256), or SHA-512-256= and 64");
    if (std::string_view(line).substr(first + 1, last - first - 1) != realm) continue;
    auto& slot = users.users_[line.substr(0, first)][static_cast<std::size_t>(secret->algorithm)];
    if (slot) fail("the user has such an HA1 already");
    slot = secret->ha1;
    users.known_[static_cast<std::size_t>(secret->algorithm)] = true;
  }
  if (users.users_.empty())
    throw config::ConfigError(file.string() + " has no user of the realm \"" + std::string(realm) + '"');
  return users;
}

const Hex* Users::ha1(std::string_view user, Algorithm algorithm) const {
  const auto it = users_.find(user);
  if (it == users_.end()) return nullptr;
  const auto& secret = it->second[static_cast<std::size_t>(algorithm)];
  return secret ? &*secret : nullptr;
}

}  // namespace sipward::digest_auth

#include "password_checker.hpp"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>

namespace sipward::admin {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRemembered = 64;
constexpr std::size_t kMaxClients = 1024;
constexpr auto kFailureWindow = 1min;
constexpr Duration kBudget = 2s;       // what may be spent at once
constexpr int kShare = 4;              // one part in so many of the time
constexpr Duration kLeastCost = 20ms;  // charged even for a cheap hash: bounds guesses per second

constexpr std::size_t kBcryptLength = 60;

// What a client is counted by: one customer of an IPv6 provider has a whole /64.
Address counted_by(const Address& client) {
  return client.is_v4() ? client : client.masked(64);
}

bool bcrypt_matches(std::string_view hash, std::string_view password) {
  const auto data = std::make_unique<crypt_data>();
  std::string phrase(password);
  const std::string setting(hash);
  const char* computed = ::crypt_r(phrase.c_str(), setting.c_str(), data.get());
  const bool same = computed && std::string_view(computed).size() == hash.size() &&
                    CRYPTO_memcmp(computed, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(phrase.data(), phrase.size());
  OPENSSL_cleanse(data.get(), sizeof(crypt_data));
  return same;
}

void append_sized(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

}  // namespace

bool is_bcrypt_hash(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto letter = [&](char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '/';
  };
  if (text.size() != kBcryptLength) return false;
  const auto kind = text.substr(0, 4);
  if (kind != "$2a$" && kind != "$2b$" && kind != "$2y$") return false;
  if (!digit(text[4]) || !digit(text[5]) || text[6] != '$') return false;
  const auto cost = static_cast<unsigned>(text[4] - '0') * 10 + static_cast<unsigned>(text[5] - '0');
  return cost >= 4 && cost <= kMaxBcryptCost && std::all_of(text.begin() + 7, text.end(), letter);
}

PasswordChecker::PasswordChecker(const Clock& clock)
    : clock_(clock), budget_(kBudget), refilled_(clock.now()) {
  key_drawn_ = RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1;
}

bool PasswordChecker::digest(std::string_view hash, std::string_view user, std::string_view password,
                             Digest& out) const {
  if (!key_drawn_) return false;
  std::string text;
  append_sized(text, hash);
  append_sized(text, user);
  append_sized(text, password);
  unsigned length = 0;
  const bool made =
      HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &length);
  OPENSSL_cleanse(text.data(), text.size());
  return made && length == out.size();
}

bool PasswordChecker::known(const Digest& digest) {
  const auto at = std::find_if(right_.begin(), right_.end(), [&](const Digest& have) {
    return CRYPTO_memcmp(have.data(), digest.data(), digest.size()) == 0;
  });
  if (at == right_.end()) return false;
  std::rotate(at, at + 1, right_.end());
  return true;
}

void PasswordChecker::remember(const Digest& digest) {
  if (right_.size() == kRemembered) right_.erase(right_.begin());
  right_.push_back(digest);
}

bool PasswordChecker::may_compute(const Address& client, Time now) {
  if (const auto at = failures_.find(counted_by(client)); at != failures_.end()) {
    if (now - at->second.since >= kFailureWindow) {
      failures_.erase(at);
    } else if (at->second.count >= kMaxFailures) {
      return false;
    }
  }
  budget_ = std::min(kBudget, budget_ + (now - refilled_) / kShare);
  refilled_ = now;
  return budget_ > Duration::zero();
}

void PasswordChecker::count_failure(const Address& client, Time now) {
  if (failures_.size() >= kMaxClients) {
    std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.since >= kFailureWindow; });
  }
  if (failures_.size() >= kMaxClients) {
    failures_.erase(std::min_element(failures_.begin(), failures_.end(), [](const auto& a, const auto& b) {
      return a.second.since < b.second.since;
    }));
  }
  auto& entry = failures_[counted_by(client)];
  if (entry.count++ == 0) entry.since = now;
}

PasswordChecker::Answer PasswordChecker::check(std::string_view hash, std::string_view user,
                                               std::string_view password, const Address& client) {
  // crypt() would stop at the NUL and take the rest for nothing.
  if (password.find('\0') != std::string_view::npos) return Answer::wrong;
  std::lock_guard lock(mutex_);
  Digest mark{};
  const bool marked = digest(hash, user, password, mark);
  if (marked && known(mark)) return Answer::right;

  const auto begin = clock_.now();
  if (!may_compute(client, begin)) return Answer::too_many;
  const bool right = bcrypt_matches(hash, password);
  const auto end = clock_.now();
  budget_ -= std::max<Duration>(end - begin, kLeastCost);
  if (!right) {
    count_failure(client, end);
    return Answer::wrong;
  }
  if (marked) remember(mark);
  return Answer::right;
}

}  // namespace sipward::admin

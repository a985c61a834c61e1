#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/net.hpp"
#include "sipward/services.hpp"

namespace sipward::admin {

// Whether the text is a bcrypt hash that can be checked here: $2a$, $2b$ or $2y$, cost 4 to kMaxBcryptCost.
inline constexpr unsigned kMaxBcryptCost = 15;  // a check takes about two seconds there
bool is_bcrypt_hash(std::string_view text);

// Checks passwords against bcrypt hashes without letting strangers spend the admin thread on it: what was
// right is remembered as a keyed digest, a client that was wrong kMaxFailures times in a minute has to wait,
// and all checks together get at most a quarter of the time. One for the process, shared by every basic_auth.
// Safe to call from any thread; checks run one at a time.
class PasswordChecker final : public Service {
 public:
  static constexpr unsigned kMaxFailures = 10;
  enum class Answer : std::uint8_t { right, wrong, too_many };

  explicit PasswordChecker(const Clock& clock);
  Answer check(std::string_view hash, std::string_view user, std::string_view password,
               const Address& client);

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Failures {
    unsigned count = 0;
    Time since{};
  };

  bool digest(std::string_view hash, std::string_view user, std::string_view password, Digest& out) const;
  bool known(const Digest& digest);
  void remember(const Digest& digest);
  bool may_compute(const Address& client, Time now);
  void count_failure(const Address& client, Time now);

  const Clock& clock_;
  std::mutex mutex_;  // guards what follows
  Digest key_{};
  bool key_drawn_ = false;
  std::vector<Digest> right_;  // the latest used last
  std::map<Address, Failures> failures_;
  Duration budget_;
  Time refilled_;
};

}  // namespace sipward::admin

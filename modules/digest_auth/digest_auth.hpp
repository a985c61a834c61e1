#pragma once

#include <memory>
#include <string>
#include <vector>

#include "challenge.hpp"
#include "nonces.hpp"
#include "options.hpp"
#include "replays.hpp"
#include "sipward/build_context.hpp"
#include "sipward/handler.hpp"
#include "sipward/metrics.hpp"
#include "sipward/packet.hpp"
#include "sipward/services.hpp"
#include "sipward/worker.hpp"
#include "users.hpp"

namespace sipward::digest_auth {

// What outlives a reload for one realm: the secret of its nonces, and which counts were used.
class Realm final : public Service {
 public:
  explicit Realm(std::size_t workers);

  // Of that worker alone.
  struct Shard {
    Hasher hash;
    Replays replays;
    std::string headers, reply, name;  // reused
  };
  Shard& at(const Worker& worker);
  const std::string& secret() const { return secret_; }

 private:
  std::string secret_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

// `digest_auth`: lets pass only requests whose sender knows a user's password (RFC 3261 22, 7616, 8760). Its
// answers take the way that those of an upstream take, so a guard in front judges them alike.
class DigestAuth final : public Handler {
 public:
  explicit DigestAuth(Options options) : options_(std::move(options)) {}

  void validate(config::Errors& errors) const override;
  void provision(BuildContext& context) override;
  Verdict on_inbound(Packet& packet) const override;

 private:
  enum Result : std::size_t { accepted, challenged, refused, stale, replayed, wrong_aor };
  struct Judged {
    Result result = challenged;
    std::string_view user;  // of accepted ones; in the shard
  };
  Judged judge(Packet& packet, Realm::Shard& shard) const;
  bool right(const sip::AuthParams& auth, sip::Message& message, Algorithm algorithm,
             Realm::Shard& shard) const;
  bool offers(Algorithm algorithm) const;
  void answer(Packet& packet, Realm::Shard& shard, Result result) const;

  Options options_;
  std::shared_ptr<Realm> realm_;
  std::shared_ptr<const Users> users_;
  std::unique_ptr<const Nonces> nonces_;
  const Clock* clock_ = nullptr;
  Counter results_;
};

}  // namespace sipward::digest_auth

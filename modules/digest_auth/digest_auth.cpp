#include "digest_auth.hpp"

#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>

#include "sipward/known_dialog.hpp"
#include "sipward/sip/reply.hpp"
#include "sipward/sip/uri.hpp"
#include "sipward/sip/values.hpp"

namespace sipward::digest_auth {
namespace {

using sip::HeaderId;
using sip::Method;

constexpr std::array<std::string_view, 6> kResults{"accepted", "challenged", "refused",
                                                   "stale",    "replayed",   "wrong_aor"};
constexpr std::size_t kMaxName = 255;

Role role_of(Method method) {
  return method == Method::register_ ? Role::server : Role::proxy;
}

// The credentials for that realm, if there are any. RFC 3261 22.3: others may be there for others.
std::optional<sip::AuthParams> credentials(const sip::Message& message, Role role, std::string_view realm) {
  std::optional<sip::AuthParams> found;
  message.for_each(role == Role::server ? HeaderId::authorization : HeaderId::proxy_authorization,
                   [&](const sip::Header& header) {
                     if (found) return;
                     const auto auth = sip::parse_auth(header.value);
                     if (auth.ok && auth.realm == realm && sip::iequals(auth.scheme, "Digest")) found = auth;
                   });
  return found;
}

// RFC 7616 3.4: eight hex digits.
std::optional<std::uint32_t> parse_count(std::string_view text) {
  std::uint32_t count = 0;
  if (text.size() != 8) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count, 16);
  if (error != std::errc() || end != text.data() + text.size() || count == 0) return std::nullopt;
  return count;
}

// Without the backslashes of a quoted string (RFC 3261 25.1).
std::string_view unquoted(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

// What a retransmission repeats.
std::uint64_t request_hash(const Sources& sources, sip::Message& message) {
  const auto mix = [](std::uint64_t a, std::uint64_t b) { return (a << 21 | a >> 43) ^ b; };
  auto hash = mix(sources.hash(message.call_id()), sources.hash(message.via().branch));
  return mix(hash, message.cseq().number);
}

// The To tag of our answers: only we can compute it, so an ACK that has it is for us (RFC 3261 8.2.7).
struct Tag {
  std::array<char, 20> text{};
  std::string_view view() const { return {text.data(), text.size()}; }
};
Tag own_tag(const Sources& sources, sip::Message& message) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  auto hash = sources.hash(message.call_id()) * 3 + sources.hash(message.from().tag) * 5 +
              sources.hash(message.via().branch);
  Tag tag;
  tag.text[0] = 'd', tag.text[1] = 'a', tag.text[2] = '-', tag.text[3] = 's';
  for (std::size_t i = 4; i < tag.text.size(); ++i, hash >>= 4) tag.text[i] = kDigits[hash & 15];
  return tag;
}

// RFC 3261 10.3 step 4: may that user bind Contacts to the address in To? Its name may be given whole.
bool may_bind(std::string_view user, sip::Message& message) {
  const auto uri = sip::parse_uri(message.to().uri);
  if (!uri.ok) return false;
  std::array<char, 256> buffer;
  const auto wanted = sip::normalise_user(uri.user, buffer, uri.scheme);
  if (wanted.empty()) return false;
  if (user == wanted) return true;
  return user.size() == wanted.size() + 1 + uri.host.size() && user.starts_with(wanted) &&
         user[wanted.size()] == '@' && sip::iequals(user.substr(wanted.size() + 1), uri.host);
}

}  // namespace

Realm::Realm(std::size_t workers) : shards_(workers) {
  std::array<unsigned char, 32> octets{};
  if (RAND_bytes(octets.data(), static_cast<int>(octets.size())) != 1)
    throw config::ConfigError("no random numbers to seal nonces with");
  secret_.assign(reinterpret_cast<const char*>(octets.data()), octets.size());
}

Realm::Shard& Realm::at(const Worker& worker) {
  auto& shard = shards_[worker.index()];
  if (!shard) shard = std::make_unique<Shard>();
  return *shard;
}

void DigestAuth::validate(config::Errors& errors) const {
  if (options_.enforce_auth_aor_match && !options_.asks(Method::register_))
    errors.warn(options_.position, "enforce_auth_aor_match has nothing to do: REGISTER is not in methods");
}

void DigestAuth::provision(BuildContext& context) {
  users_ = std::make_shared<const Users>(Users::read(options_.users, options_.realm));
  if (options_.algorithms.empty()) {
    for (std::size_t i = 0; i < kAlgorithms; ++i)
      if (users_->has(static_cast<Algorithm>(i))) options_.algorithms.push_back(static_cast<Algorithm>(i));
  }
  for (const auto algorithm : options_.algorithms)
    if (!users_->has(algorithm))
      throw config::ConfigError(options_.users + " has no HA1 of " + std::string(to_string(algorithm)) +
                                " in the realm \"" + options_.realm + '"');
  realm_ = context.services.find_or_make<Realm>(
      "digest_auth/1/" + options_.realm, [&] { return std::make_shared<Realm>(context.workers.count()); });
  nonces_ = std::make_unique<const Nonces>(
      options_.key.empty() ? realm_->secret() : options_.key, options_.realm,
      std::chrono::duration_cast<std::chrono::seconds>(options_.nonce_lifetime));
  clock_ = &context.clock;
  results_ = context.metrics.counter("sip_digest_auth_total", "Requests judged by digest_auth, by result.",
                                     "result", kResults);
}

Verdict DigestAuth::on_inbound(Packet& packet) const {
  if (packet.is_keep_alive()) return Verdict::next;
  auto& message = packet.sip();
  if (message.kind() != sip::Kind::request) return Verdict::next;
  auto& worker = packet.worker();
  if (message.method() == Method::ack)
    return message.to().tag == own_tag(worker.sources(), message).view() ? Verdict::consumed : Verdict::next;
  // RFC 3261 22.1: a CANCEL can't be sent again with credentials. It ends only what its sender began.
  if (message.method() == Method::cancel || !options_.asks(message.method())) return Verdict::next;
  if (in_known_dialog(packet)) return Verdict::next;
  auto& shard = realm_->at(worker);
  auto judged = judge(packet, shard);
  if (judged.result == accepted && options_.enforce_auth_aor_match && message.method() == Method::register_ &&
      !may_bind(judged.user, message))
    judged.result = wrong_aor;
  results_.add(worker.index(), judged.result);
  if (judged.result == accepted) return Verdict::next;
  answer(packet, shard, judged.result);
  return Verdict::consumed;
}

bool DigestAuth::offers(Algorithm algorithm) const {
  return std::find(options_.algorithms.begin(), options_.algorithms.end(), algorithm) !=
         options_.algorithms.end();
}

DigestAuth::Judged DigestAuth::judge(Packet& packet, Realm::Shard& shard) const {
  auto& message = packet.sip();
  const auto auth = credentials(message, role_of(message.method()), options_.realm);
  if (!auth) return {};
  const auto algorithm = parse_algorithm(auth->algorithm);
  const auto count = parse_count(auth->nc);
  const bool qop =
      sip::iequals(auth->qop, "auth") || (options_.auth_int && sip::iequals(auth->qop, "auth-int"));
  if (!algorithm || !offers(*algorithm) || !count || !qop || auth->cnonce.empty() ||
      auth->username.size() > kMaxName)
    return {refused, {}};
  const auto wall = clock_->wall();
  const auto nonce = nonces_->judge(auth->nonce, packet.peer().remote.address, wall);
  if (!right(*auth, message, *algorithm, shard)) return {refused, {}};
  // Right, but with a nonce that is too old or was sent elsewhere: a new one is all that it takes.
  if (nonce.state != Nonces::State::good) return {stale, {}};
  const auto until = packet.now() + std::chrono::duration_cast<Duration>(options_.nonce_lifetime);
  switch (shard.replays.use(nonce.id, *count, request_hash(packet.worker().sources(), message), packet.now(),
                            until)) {
    case Replays::Use::fresh:
    case Replays::Use::again:
      return {accepted, shard.name};
    case Replays::Use::replayed:
      return {replayed, {}};
    case Replays::Use::full:
      break;
  }
  return {stale, {}};
}

// An unknown user takes as long as a wrong password.
bool DigestAuth::right(const sip::AuthParams& auth, sip::Message& message, Algorithm algorithm,
                       Realm::Shard& shard) const {
  const auto* known = users_->ha1(unquoted(auth.username, shard.name), algorithm);
  const auto nobody = shard.hash(algorithm, {options_.realm});
  const auto& ha1 = known ? *known : nobody;
  const bool whole = sip::iequals(auth.qop, "auth-int");
  const auto body = whole ? shard.hash(algorithm, {message.body()}) : Hex();
  const auto ha2 = whole ? shard.hash(algorithm, {message.method_name(), auth.uri, body.text()})
                         : shard.hash(algorithm, {message.method_name(), auth.uri});
  const auto response =
      shard.hash(algorithm, {ha1.text(), auth.nonce, auth.nc, auth.cnonce, auth.qop, ha2.text()});
  return response.equals(auth.response) && known != nullptr;
}

void DigestAuth::answer(Packet& packet, Realm::Shard& shard, Result result) const {
  auto& message = packet.sip();
  auto& worker = packet.worker();
  const auto role = role_of(message.method());
  int status = 403;
  shard.headers.clear();
  if (result != wrong_aor) {
    status = role == Role::server ? 401 : 407;
    const auto nonce = nonces_->make(packet.peer().remote.address, clock_->wall());
    const Challenge challenge{options_.realm,
                              {nonce.data(), nonce.size()},
                              result == stale || result == replayed,
                              options_.auth_int};
    append_challenge(role, challenge, options_.algorithms, shard.headers);
  }
  packet.begin_transaction();  // so that guards in front can judge the answer
  const auto tag = own_tag(worker.sources(), message);
  if (!sip::make_reply(message, status, sip::reason_phrase(status), tag.view(), packet.peer().remote,
                       shard.headers, shard.reply))
    return;
  Packet reply(worker, Direction::outbound);
  reply.assign(packet.peer(), shard.reply);
  worker.deliver(reply);
}

}  // namespace sipward::digest_auth

#include "auth.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace sipward::admin {
namespace {

constexpr std::size_t kShortToken = 16;

void refuse(HttpResponse& response, std::string challenge) {
  response = HttpResponse::error(401, "credentials are missing or wrong");
  response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
}

using Sha256 = std::array<unsigned char, 32>;
bool sha256(std::string_view text, Sha256& out) {
  unsigned length = 0;
  return EVP_Digest(text.data(), text.size(), out.data(), &length, EVP_sha256(), nullptr) == 1;
}

}  // namespace

std::string_view credentials_of(std::string_view authorization, std::string_view scheme) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  if (authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ') return {};
  if (!std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                  [&](char a, char b) { return lower(a) == lower(b); })) {
    return {};
  }
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

bool base64_decode(std::string_view text, std::string& out) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.clear();
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) text.remove_suffix(1), ++padding;
  unsigned bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const auto value = kLetters.find(c);
    if (value == std::string_view::npos) return false;
    bits = (bits << 6U | static_cast<unsigned>(value)) & 0xFFFFU;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out.push_back(static_cast<char>(bits >> have & 0xFFU));
  }
  return (bits & ((1U << have) - 1)) == 0;
}

BasicAuth::BasicAuth(std::string realm, std::vector<User> users)
    : realm_(std::move(realm)), users_(std::move(users)) {}

//   basic_auth [bcrypt [REALM]] {
//       USER BCRYPT_HASH
//   }
std::unique_ptr<HttpHandler> BasicAuth::create(const config::Node& node, CreateContext& context) {
  enum class Algorithm : std::uint8_t { bcrypt };
  auto algorithm = Algorithm::bcrypt;
  std::string realm = "restricted";
  std::vector<User> users;
  config::Reader r(node, context.errors);
  if (const auto args = r.args(); !args.empty() && (args[0].text == "*" || args[0].text.starts_with('/'))) {
    context.errors.add(args[0].position,
                       "basic_auth takes no path; put it into handle " + config::quote(args[0].text));
    r.take_arg();
  }
  r.one_of("algorithm", algorithm, {{"bcrypt", Algorithm::bcrypt}}, config::Place::argument);
  r.text("realm", realm, config::Place::argument);
  r.rest([&](const config::Node& user) {
    const auto known = [&](const User& have) { return have.name == user.name; };
    if (user.args.size() != 1 || user.has_block) {
      context.errors.add(user.position, "a user of basic_auth is USER BCRYPT_HASH");
    } else if (!is_bcrypt_hash(user.args[0].text)) {
      context.errors.add(user.args[0].position,
                         "the password of " + config::quote(user.name) +
                             " wants a bcrypt hash such as $2y$12$… with a cost of 4 to " +
                             std::to_string(kMaxBcryptCost));
    } else if (user.name.find(':') != std::string::npos) {
      context.errors.add(user.position, "a user name cannot hold a colon");
    } else if (std::any_of(users.begin(), users.end(), known)) {
      context.errors.add(user.position, "user " + config::quote(user.name) + " is given twice");
    } else {
      users.push_back({user.name, user.args[0].text});
    }
  });
  if (node.children.empty())
    context.errors.add(node.position, "basic_auth needs at least one USER BCRYPT_HASH");
  const auto bad = [](char c) { return c < ' ' || c == '"' || c == '\\' || c == 0x7F; };
  if (std::any_of(realm.begin(), realm.end(), bad))
    r.error("realm", "a realm cannot hold quotes or controls");
  r.finish();
  return std::make_unique<BasicAuth>(std::move(realm), std::move(users));
}

void BasicAuth::provision(BuildContext& context) {
  checker_ = context.services.find_or_make<PasswordChecker>(
      "admin_passwords/1", [&] { return std::make_shared<PasswordChecker>(context.clock); });
}

PasswordChecker::Answer BasicAuth::check(const HttpRequest& request) const {
  using Answer = PasswordChecker::Answer;
  const auto sent = credentials_of(request.header("Authorization"), "Basic");
  std::string plain;
  if (!checker_ || users_.empty() || sent.empty() || !base64_decode(sent, plain)) return Answer::wrong;
  const auto colon = plain.find(':');
  if (colon == std::string::npos) return Answer::wrong;
  const auto name = std::string_view(plain).substr(0, colon);
  const auto password = std::string_view(plain).substr(colon + 1);
  const auto user = std::find_if(users_.begin(), users_.end(), [&](const User& u) { return u.name == name; });
  // An unknown user costs as much time as a wrong password, so the time does not tell who exists.
  const auto& hash = user == users_.end() ? users_.front().hash : user->hash;
  const auto answer = checker_->check(hash, name, password, request.client.address);
  return user == users_.end() && answer == Answer::right ? Answer::wrong : answer;
}

HttpHandler::Outcome BasicAuth::handle(HttpRequest& request, HttpResponse& response) const {
  switch (check(request)) {
    case PasswordChecker::Answer::right:
      request.authenticated = true;
      return Outcome::next;
    case PasswordChecker::Answer::too_many:
      response = HttpResponse::error(429, "too many password checks; try again in a minute");
      response.headers.emplace_back("Retry-After", "60");
      return Outcome::answered;
    case PasswordChecker::Answer::wrong:
      break;
  }
  refuse(response, "Basic realm=\"" + realm_ + "\", charset=\"UTF-8\"");
  return Outcome::answered;
}

//   bearer_auth TOKEN…
std::unique_ptr<HttpHandler> BearerAuth::create(const config::Node& node, CreateContext& context) {
  std::vector<std::string> tokens;
  config::Reader r(node, context.errors);
  bool all_long = true;
  const auto parse = [&](const config::Arg& arg) {
    const auto visible = [](char c) { return c > ' ' && c < 0x7F; };
    if (arg.text.empty() || !std::all_of(arg.text.begin(), arg.text.end(), visible)) return false;
    all_long = all_long && arg.text.size() >= kShortToken;
    tokens.push_back(arg.text);
    return true;
  };
  r.values("token", "a token of visible ASCII characters", parse, config::Place::argument);
  r.require("token");
  if (!all_long) r.warn("token", "a token under 16 characters can be guessed");
  r.finish();
  return std::make_unique<BearerAuth>(std::move(tokens));
}

HttpHandler::Outcome BearerAuth::handle(HttpRequest& request, HttpResponse& response) const {
  const auto sent = credentials_of(request.header("Authorization"), "Bearer");
  Sha256 given{};
  Sha256 wanted{};
  bool right = false;
  // Digests have one length, and every token is looked at: the time says nothing about any of them.
  if (!sent.empty() && sha256(sent, given)) {
    for (const auto& token : tokens_) {
      if (sha256(token, wanted) && CRYPTO_memcmp(given.data(), wanted.data(), given.size()) == 0)
        right = true;
    }
  }
  if (right) {
    request.authenticated = true;
    return Outcome::next;
  }
  refuse(response, "Bearer");
  return Outcome::answered;
}

std::unique_ptr<HttpHandler> AllowUnauthenticated::create(const config::Node& node, CreateContext& context) {
  config::Reader r(node, context.errors);
  r.finish();
  return std::make_unique<AllowUnauthenticated>();
}

HttpHandler::Outcome AllowUnauthenticated::handle(HttpRequest& request, HttpResponse& response) const {
  (void)response;
  request.open_to_all = true;
  return Outcome::next;
}

}  // namespace sipward::admin

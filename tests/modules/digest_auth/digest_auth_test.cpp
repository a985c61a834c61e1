#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

#include "algorithm.hpp"
#include "sipward/sip/values.hpp"
#include "sipward/testing/chain.hpp"
#include "users_file.hpp"

using namespace sipward;
using namespace sipward::digest_auth;
using test::Chain;
using test::Fate;
using test::SipText;

namespace {

std::string ha1(Algorithm algorithm, const std::string& user, const std::string& password) {
  return std::string(Hasher()(algorithm, {user, "example.com", password}).text());
}

const std::string kUsers = "alice:example.com:" + ha1(Algorithm::md5, "alice", "secret") +
                           "\nalice:example.com:" + ha1(Algorithm::sha_256, "alice", "secret") +
                           "\nbob@example.com:example.com:" + ha1(Algorithm::md5, "bob@example.com", "b") +
                           "\n";

// A phone that registers, or calls, with a password.
struct Phone {
  Chain& chain;
  std::string user = "alice", password = "secret", aor = "alice", method = "REGISTER", qop = "auth",
              body = {};
  Algorithm algorithm = Algorithm::md5;
  std::string nonce = {};
  unsigned count = 0, sent = 0;
  Peer peer = Chain::client();

  SipText text(const std::string& extra) {
    SipText t;
    t.method = method;
    t.uri = "sip:example.com";
    t.to = t.from = "<sip:" + aor + "@example.com>";
    t.branch = "z9hG4bKb" + std::to_string(++sent);
    t.cseq = sent;
    t.extra = extra;
    t.body = body;
    return t;
  }
  bool proxy() const { return method != "REGISTER"; }
  test::Outcome ask() {
    auto outcome = chain.from_client(text({}).request(), peer);
    learn(outcome);
    return outcome;
  }
  void learn(const test::Outcome& outcome) {
    const auto value = outcome.header(proxy() ? "Proxy-Authenticate" : "WWW-Authenticate");
    if (value.empty()) return;
    nonce = std::string(sip::parse_auth(value).nonce);
    count = 0;
  }
  std::string credentials() {
    Hasher hash;
    char nc[9];
    std::snprintf(nc, sizeof nc, "%08x", ++count);
    const auto secret = ha1(algorithm, user, password);
    const auto content = hash(algorithm, {body});
    const auto ha2 = qop == "auth-int" ? hash(algorithm, {method, "sip:example.com", content.text()})
                                       : hash(algorithm, {method, "sip:example.com"});
    const auto response = hash(algorithm, {secret, nonce, nc, "c", qop, ha2.text()});
    return std::string(proxy() ? "Proxy-Authorization" : "Authorization") + ": Digest username=\"" + user +
           "\", realm=\"example.com\", nonce=\"" + nonce +
           "\", uri=\"sip:example.com\", algorithm=" + std::string(to_string(algorithm)) + ", qop=" + qop +
           ", nc=" + nc + ", cnonce=\"c\", response=\"" + std::string(response.text()) + "\"\r\n";
  }
  std::string with_password() { return text(credentials()).request(); }
  test::Outcome log_in() { return chain.from_client(with_password(), peer); }
};

struct Guarded {
  UsersFile file{kUsers};
  Chain chain;
  explicit Guarded(const std::string& options = {})
      : chain({.handlers =
                   "digest_auth {\n realm example.com\n users " + file.path() + "\n" + options + "\n}"}) {}
};

bool stale(const test::Outcome& outcome) {
  return sip::parse_auth(outcome.header("WWW-Authenticate")).stale;
}

}  // namespace

TEST_CASE("REGISTER is challenged with 401, and passes with the password") {
  Guarded g;
  Phone phone{g.chain};
  const auto asked = phone.ask();
  CHECK(asked.fate == Fate::consumed);
  CHECK(asked.status() == 401);
  const auto header = asked.header("WWW-Authenticate");
  const auto challenge = sip::parse_auth(header);
  REQUIRE(challenge.ok);
  CHECK(challenge.scheme == "Digest");
  CHECK(challenge.realm == "example.com");
  CHECK(challenge.qop == "auth");
  CHECK_FALSE(challenge.stale);
  CHECK(phone.log_in().fate == Fate::forwarded);
  CHECK(g.chain.forwarded().size() == 1);
  CHECK(g.chain.metric("sip_digest_auth_total", "challenged") == 1);
  CHECK(g.chain.metric("sip_digest_auth_total", "accepted") == 1);
}

TEST_CASE("a challenge names every algorithm of the users in a line of its own, the strongest first") {
  Guarded g;
  const auto reply = Phone{g.chain}.ask().sent.at(0);
  const auto sha = reply.find("algorithm=SHA-256"), md5 = reply.find("algorithm=MD5");
  REQUIRE(sha != std::string::npos);
  REQUIRE(md5 != std::string::npos);
  CHECK(sha < md5);
  CHECK(reply.find("SHA-512-256") == std::string::npos);
  Phone phone{g.chain};
  phone.algorithm = Algorithm::sha_256;
  phone.ask();
  CHECK(phone.log_in().fate == Fate::forwarded);
}

TEST_CASE("algorithms may be chosen") {
  Guarded g("algorithms SHA-256");
  Phone phone{g.chain};
  CHECK(phone.ask().sent.at(0).find("MD5") == std::string::npos);
  CHECK(phone.log_in().status() == 401);
  phone.ask();
  phone.algorithm = Algorithm::sha_256;
  CHECK(phone.log_in().fate == Fate::forwarded);
}

TEST_CASE("other requests are challenged with 407, and their ACK ends here") {
  Guarded g;
  Phone phone{g.chain};
  phone.method = "INVITE";
  const auto asked = phone.ask();
  CHECK(asked.status() == 407);
  CHECK(asked.header("WWW-Authenticate").empty());
  auto ack = phone.text({});
  --phone.sent;
  ack.branch = "z9hG4bKb1";
  ack.cseq = 1;
  ack.method = "ACK";
  sip::Message answer;
  answer.parse(asked.sent.at(0), sip::Framing::datagram);
  ack.to_tag = std::string(answer.to().tag);
  CHECK(g.chain.from_client(ack.request()).fate == Fate::consumed);
  CHECK(g.chain.forwarded().empty());
  CHECK(phone.log_in().fate == Fate::forwarded);
  ack.to_tag = "of-the-pbx";
  CHECK(g.chain.from_client(ack.request()).fate == Fate::forwarded);
}

TEST_CASE("wrong passwords, unknown users and half credentials are challenged anew") {
  Guarded g;
  Phone phone{g.chain};
  phone.ask();
  phone.password = "guess";
  const auto wrong = phone.log_in();
  CHECK(wrong.status() == 401);
  CHECK_FALSE(stale(wrong));
  phone.password = "secret";
  phone.user = "mallory";
  CHECK(phone.log_in().status() == 401);
  phone.user = "alice";
  auto cut = phone.with_password();
  cut.replace(cut.find("nc=0"), 4, "nx=0");
  CHECK(g.chain.from_client(cut).status() == 401);
  auto weaker = phone.with_password();
  weaker.replace(weaker.find("algorithm=MD5"), 13, "algorithm=MD4");
  CHECK(g.chain.from_client(weaker).status() == 401);
  CHECK(g.chain.forwarded().empty());
  CHECK(g.chain.metric("sip_digest_auth_total", "refused") == 4);
}

TEST_CASE("credentials are used once, but a retransmission passes") {
  Guarded g;
  Phone phone{g.chain};
  phone.ask();
  const auto request = phone.with_password();
  CHECK(g.chain.from_client(request).fate == Fate::forwarded);
  CHECK(g.chain.from_client(request).fate == Fate::forwarded);
  auto again = phone.text({});
  auto stolen = request;
  stolen.replace(stolen.find("z9hG4bK"), 8, "z9hG4bKx");
  const auto replay = g.chain.from_client(stolen);
  CHECK(replay.status() == 401);
  CHECK(stale(replay));
  CHECK(g.chain.metric("sip_digest_auth_total", "replayed") == 1);
  CHECK(phone.log_in().fate == Fate::forwarded);
}

TEST_CASE("an old nonce is stale, a foreign one is not let on") {
  Guarded g("nonce_lifetime 30s");
  Phone phone{g.chain};
  phone.ask();
  g.chain.advance(std::chrono::seconds(31));
  const auto late = phone.log_in();
  CHECK(late.status() == 401);
  CHECK(stale(late));
  phone.learn(late);
  CHECK(phone.log_in().fate == Fate::forwarded);
  phone.nonce = std::string(32, 'A');
  CHECK(phone.log_in().status() == 401);
  phone.ask();
  phone.peer = Chain::client("198.51.100.9:5060");
  CHECK(phone.log_in().status() == 401);
}

TEST_CASE("auth-int covers the body") {
  Guarded g("auth_int");
  Phone phone{g.chain};
  phone.method = "MESSAGE";
  phone.qop = "auth-int";
  phone.body = "hello";
  phone.ask();
  auto altered = phone.with_password();
  altered.replace(altered.rfind("hello"), 5, "jello");
  CHECK(g.chain.from_client(altered).status() == 407);
  CHECK(phone.log_in().fate == Fate::forwarded);
  Guarded plain;
  Phone other{plain.chain};
  other.qop = "auth-int";
  other.ask();
  CHECK(other.log_in().status() == 401);
}

TEST_CASE("with enforce_auth_aor_match nobody registers somebody else") {
  Guarded g("enforce_auth_aor_match");
  Phone phone{g.chain};
  phone.ask();
  CHECK(phone.log_in().fate == Fate::forwarded);
  phone.aor = "bob";
  CHECK(phone.log_in().status() == 403);
  CHECK(g.chain.forwarded().size() == 1);
  Phone bob{g.chain};
  bob.user = "bob@example.com";
  bob.password = "b";
  bob.aor = "bob";
  bob.ask();
  CHECK(bob.log_in().fate == Fate::forwarded);
  phone.method = "INVITE";  // whom one calls is another matter
  phone.ask();
  CHECK(phone.log_in().fate == Fate::forwarded);
}

TEST_CASE("only the methods that are named are asked for") {
  Guarded g("methods REGISTER");
  Phone phone{g.chain};
  phone.method = "INVITE";
  CHECK(phone.ask().fate == Fate::forwarded);
  phone.method = "REGISTER";
  CHECK(phone.ask().status() == 401);
}

TEST_CASE("CANCEL can't be challenged") {
  Guarded g;
  Phone phone{g.chain};
  phone.method = "CANCEL";
  CHECK(phone.ask().fate == Fate::forwarded);
}

TEST_CASE("a To tag alone opens nothing") {
  Guarded g;
  SipText text;
  text.method = "INFO";
  text.to_tag = "invented";
  CHECK(g.chain.from_client(text.request()).status() == 407);
}

TEST_CASE("credentials for other realms are left to others") {
  Guarded g;
  SipText text;
  text.method = "REGISTER";
  text.extra =
      "Authorization: Digest username=\"alice\", realm=\"other\", nonce=\"1\", uri=\"sip:x\", "
      "response=\"1\"\r\n";
  CHECK(g.chain.from_client(text.request()).status() == 401);
  CHECK(g.chain.metric("sip_digest_auth_total", "challenged") == 1);
}

TEST_CASE("options that can't be right are refused") {
  const UsersFile file(kUsers);
  const auto problems = [&](const std::string& inside) {
    const auto text = "digest_auth {\n" + inside + "\n}";
    return Chain::problems(text.c_str());
  };
  CHECK_FALSE(problems("").empty());
  CHECK_FALSE(problems("realm example.com").empty());
  CHECK_FALSE(problems("realm \"a\\\"b\"\nusers x").empty());
  CHECK_FALSE(problems("realm a\nusers x\nalgorithms MD4").empty());
  CHECK_FALSE(problems("realm a\nusers x\nkey short").empty());
  CHECK_FALSE(problems("realm a\nusers x\nmethods ACK").empty());
  CHECK_FALSE(problems("realm a\nusers x\nmethods INVITE\nenforce_auth_aor_match").empty());
  CHECK(problems("realm a\nusers x").empty());
  const auto text =
      "digest_auth {\n realm example.com\n algorithms SHA-512-256\n users " + file.path() + "\n}";
  CHECK_THROWS_AS(Chain({.handlers = text}), config::ConfigError);
}

#include "auth.hpp"

#include "doubles.hpp"
#include "handler_chain.hpp"

using namespace sipward;
using namespace sipward::admin;
using namespace std::chrono_literals;
using admin::test::FakeClock;
using admin::test::request_for;
using admin::test::SiteText;
using Outcome = HttpHandler::Outcome;
using Answer = PasswordChecker::Answer;

namespace {

// "correct horse", at the lowest cost
constexpr const char* kHash = "$2b$04$c/WR03cJNmUFcmzXiyp9TOvjaIKQnajbvlwwNoSwL5OInuxjblcBy";
const Address kClient = *Address::parse("192.0.2.1");

HttpRequest with_authorization(const std::string& value) {
  auto request = request_for("GET", "/", "192.0.2.1");
  request.headers.emplace_back("Authorization", value);
  return request;
}

std::unique_ptr<BasicAuth> basic(const Clock& clock) {
  auto handler = std::make_unique<BasicAuth>("pbx", std::vector<BasicAuth::User>{{"admin", kHash}});
  handler->use(std::make_shared<PasswordChecker>(clock));
  return handler;
}

}  // namespace

TEST_CASE("basic_auth lets only the right user with the right password pass") {
  const FakeClock clock;
  const auto handler = basic(clock);
  struct Row {
    const char* authorization;
    bool passes;
  };
  const Row rows[] = {
      {"Basic YWRtaW46Y29ycmVjdCBob3JzZQ==", true},   // admin:correct horse
      {"basic  YWRtaW46Y29ycmVjdCBob3JzZQ==", true},  // the scheme in any case
      {"Basic YWRtaW46d3Jvbmc=", false},              // admin:wrong
      {"Basic cm9vdDpjb3JyZWN0IGhvcnNl", false},      // root:correct horse
      {"Basic YWRtaW46Y29ycmVjdCBob3JzZQB4", false},  // admin:correct horse NUL x
      {"Basic YWRtaW4=", false},                      // no colon
      {"Basic !!!!", false},
      {"Basic", false},
      {"Basic ", false},
      {"", false},
      {"Bearer YWRtaW46Y29ycmVjdCBob3JzZQ==", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.authorization);
    auto request = with_authorization(row.authorization);
    HttpResponse response;
    CHECK((handler->handle(request, response) == Outcome::next) == row.passes);
    CHECK(request.authenticated == row.passes);
    if (row.passes) continue;
    CHECK(response.status == 401);
    REQUIRE(response.headers.size() == 1);
    CHECK(response.headers[0].first == "WWW-Authenticate");
    CHECK(response.headers[0].second == "Basic realm=\"pbx\", charset=\"UTF-8\"");
  }
}

TEST_CASE("basic_auth without its checker lets nobody pass") {
  const BasicAuth handler("pbx", {{"admin", kHash}});
  auto request = with_authorization("Basic YWRtaW46Y29ycmVjdCBob3JzZQ==");
  HttpResponse response;
  CHECK(handler.handle(request, response) == Outcome::answered);
  CHECK(response.status == 401);
}

TEST_CASE("a client that is wrong ten times in a minute has to wait, and nobody else") {
  FakeClock clock;
  PasswordChecker checker(clock);
  for (unsigned i = 0; i < PasswordChecker::kMaxFailures; ++i) {
    CHECK(checker.check(kHash, "admin", "wrong", kClient) == Answer::wrong);
  }
  CHECK(checker.check(kHash, "admin", "correct horse", kClient) == Answer::too_many);
  CHECK(checker.check(kHash, "admin", "correct horse", *Address::parse("192.0.2.2")) == Answer::right);
  // What was right once needs no computing, so it passes for the blocked one as well.
  CHECK(checker.check(kHash, "admin", "correct horse", kClient) == Answer::right);
  clock.advance(1min);
  CHECK(checker.check(kHash, "admin", "wrong", kClient) == Answer::wrong);
}

TEST_CASE("clients of one IPv6 network share their failures") {
  FakeClock clock;
  PasswordChecker checker(clock);
  for (unsigned i = 0; i < PasswordChecker::kMaxFailures; ++i) {
    checker.check(kHash, "admin", "wrong", *Address::parse("2001:db8::" + std::to_string(i)));
  }
  CHECK(checker.check(kHash, "admin", "wrong", *Address::parse("2001:db8::ffff")) == Answer::too_many);
}

TEST_CASE("all password checks together get a part of the time only") {
  FakeClock clock;
  PasswordChecker checker(clock);
  const auto guess = [&](int i) {
    return checker.check(
        kHash, "admin", "wrong",
        *Address::parse("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
  };
  int checked = 0;
  while (checked < 1000 && guess(checked) == Answer::wrong) ++checked;
  CHECK(checked == 100);  // 2 s at 20 ms each
  clock.advance(400ms);   // of which a quarter
  for (int i = 0; i < 5; ++i) CHECK(guess(500 + i) == Answer::wrong);
  CHECK(guess(600) == Answer::too_many);
}

TEST_CASE("a right password is remembered for its hash only") {
  FakeClock clock;
  PasswordChecker checker(clock);
  REQUIRE(checker.check(kHash, "admin", "correct horse", kClient) == Answer::right);
  const std::string other = std::string(kHash).replace(59, 1, ".");
  CHECK(checker.check(other, "admin", "correct horse", kClient) == Answer::wrong);
}

TEST_CASE("only complete bcrypt hashes of a bearable cost are taken") {
  const std::string hash = kHash;
  CHECK(is_bcrypt_hash(hash));
  CHECK_FALSE(is_bcrypt_hash(""));
  CHECK_FALSE(is_bcrypt_hash(hash.substr(1)));
  CHECK_FALSE(is_bcrypt_hash(hash + "x"));
  CHECK_FALSE(is_bcrypt_hash("$1$" + hash.substr(3)));
  CHECK_FALSE(is_bcrypt_hash("$2x$" + hash.substr(4)));
  CHECK_FALSE(is_bcrypt_hash("$2b$03" + hash.substr(6)));
  CHECK_FALSE(is_bcrypt_hash("$2b$16" + hash.substr(6)));
  CHECK_FALSE(is_bcrypt_hash("$2b$31" + hash.substr(6)));
  CHECK_FALSE(is_bcrypt_hash(std::string(hash).replace(20, 1, "!")));
}

TEST_CASE("bearer_auth takes any of its tokens and nothing like them") {
  const BearerAuth handler({"first-token-0123456789", "second-token-012345678"});
  struct Row {
    const char* authorization;
    bool passes;
  };
  const Row rows[] = {
      {"Bearer first-token-0123456789", true},
      {"bearer second-token-012345678", true},
      {"Bearer first-token-012345678", false},
      {"Bearer first-token-01234567890", false},
      {"Bearer FIRST-TOKEN-0123456789", false},
      {"Bearer ", false},
      {"Basic first-token-0123456789", false},
      {"first-token-0123456789", false},
      {"", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.authorization);
    auto request = with_authorization(row.authorization);
    HttpResponse response;
    CHECK((handler.handle(request, response) == Outcome::next) == row.passes);
    CHECK(request.authenticated == row.passes);
    if (!row.passes) CHECK(response.status == 401);
  }
}

TEST_CASE("where both kinds of credentials are asked for one of them is enough") {
  const FakeClock clock;
  std::vector<std::unique_ptr<HttpHandler>> handlers;
  handlers.push_back(basic(clock));
  handlers.push_back(std::make_unique<BearerAuth>(std::vector<std::string>{"first-token-0123456789"}));
  const HandlerChain chain(handlers);
  for (const char* good : {"Basic YWRtaW46Y29ycmVjdCBob3JzZQ==", "Bearer first-token-0123456789"}) {
    auto request = with_authorization(good);
    HttpResponse response;
    CHECK(chain.run(request, response) == Outcome::next);
    CHECK(request.authenticated);
  }
  auto request = with_authorization("Bearer wrong");
  HttpResponse response;
  CHECK(chain.run(request, response) == Outcome::answered);
  CHECK(response.status == 401);
  CHECK(response.headers.size() == 2);
}

TEST_CASE("base64 is decoded strictly") {
  std::string out;
  CHECK((base64_decode("", out) && out.empty()));
  CHECK((base64_decode("YQ==", out) && out == "a"));
  CHECK((base64_decode("YWI=", out) && out == "ab"));
  CHECK((base64_decode("YWJj", out) && out == "abc"));
  for (const char* text : {"YQ", "YQ=", "Y===", "====", "YQ==YQ==", "Y Q=", "YR=="}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text, out));
  }
}

TEST_CASE("mistakes in credentials are errors, never an open site") {
  struct Row {
    const char* text;
    const char* says;
  };
  const Row rows[] = {
      {"basic_auth", "needs at least one"},
      {"basic_auth {\n}", "needs at least one"},
      {"basic_auth {\n admin secret\n}", "wants a bcrypt hash"},
      {"basic_auth {\n admin\n}", "is USER BCRYPT_HASH"},
      {"basic_auth argon2id {\n admin x\n}", "algorithm"},
      {"basic_auth /api/* {\n admin x\n}", "takes no path"},
      {"bearer_auth", "token"},
      {"bearer_auth \"\"", "token"},
      {"bearer_auth \"two words\"", "token"},
      {"allow_unauthenticated yes", "yes"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto problems = SiteText(row.text).problems();
    CAPTURE(problems);
    CHECK(problems.find(row.says) != std::string::npos);
  }
  const auto twice = std::string("basic_auth {\n admin ") + kHash + "\n admin " + kHash + "\n}";
  CHECK(SiteText(twice).problems().find("twice") != std::string::npos);
  const auto fine = std::string("basic_auth bcrypt \"my pbx\" {\n admin ") + kHash + "\n}";
  CHECK(SiteText(fine).problems().empty());
}

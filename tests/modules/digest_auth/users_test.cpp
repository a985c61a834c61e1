#include "users.hpp"

#include <catch2/catch.hpp>

#include "sipward/config.hpp"
#include "users_file.hpp"

using namespace sipward;
using namespace sipward::digest_auth;
using Catch::Matchers::Contains;

namespace {

const std::string kMd5(32, 'a');
const std::string kSha(64, 'B');

std::string fault(const std::string& text) {
  const UsersFile file(text);
  try {
    Users::read(file.path(), "example.com");
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a file of htdigest, with longer hashes besides") {
  const UsersFile file("# users\r\n\nalice:example.com:" + kMd5 + "\r\nalice:example.com:" + kSha +
                       "\nbob:other realm:" + kMd5 + "\ncarol:example.com:SHA-512-256=" + kSha);
  const auto users = Users::read(file.path(), "example.com");
  CHECK(users.size() == 2);
  REQUIRE(users.ha1("alice", Algorithm::md5));
  CHECK(users.ha1("alice", Algorithm::md5)->text() == kMd5);
  REQUIRE(users.ha1("alice", Algorithm::sha_256));
  CHECK(users.ha1("alice", Algorithm::sha_256)->text() == std::string(64, 'b'));
  CHECK_FALSE(users.ha1("alice", Algorithm::sha_512_256));
  CHECK(users.ha1("carol", Algorithm::sha_512_256));
  CHECK_FALSE(users.ha1("bob", Algorithm::md5));
  CHECK_FALSE(users.ha1("Alice", Algorithm::md5));
}

TEST_CASE("a realm may have colons") {
  const UsersFile file("alice:a:b:" + kMd5 + "\n");
  CHECK(Users::read(file.path(), "a:b").size() == 1);
}

TEST_CASE("what is no such file is refused with its line") {
  CHECK_THAT(fault("alice:example.com:" + kMd5 + "\nbob\n"), Contains(":2: this is not user:realm:HA1"));
  CHECK_THAT(fault("alice:example.com:secret\n"), Contains(":1: the HA1"));
  CHECK_THAT(fault("alice:example.com:" + std::string(32, 'g') + "\n"), Contains("HA1"));
  CHECK_THAT(fault("alice:example.com:" + kMd5 + "\nalice:example.com:" + kMd5 + "\n"), Contains(":2:"));
  CHECK_THAT(fault("bob:other:" + kMd5 + "\n"), Contains("no user of the realm"));
  CHECK_THROWS_AS(Users::read("/nonexistent/users", "example.com"), config::ConfigError);
}

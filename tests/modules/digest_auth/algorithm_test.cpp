#include "algorithm.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace sipward::digest_auth;

namespace {

struct Question {
  std::string user, realm, password, method, uri, nonce, nc, cnonce, qop, body;
};

// RFC 7616 3.4.1.
std::string response(Algorithm algorithm, const Question& q) {
  Hasher hash;
  const auto ha1 = hash(algorithm, {q.user, q.realm, q.password});
  const auto body = hash(algorithm, {q.body});
  const auto ha2 = q.qop == "auth-int" ? hash(algorithm, {q.method, q.uri, body.text()})
                                       : hash(algorithm, {q.method, q.uri});
  return std::string(hash(algorithm, {ha1.text(), q.nonce, q.nc, q.cnonce, q.qop, ha2.text()}).text());
}

const Question kMufasa{"Mufasa",
                       "http-auth@example.org",
                       "Circle of Life",
                       "GET",
                       "/dir/index.html",
                       "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                       "00000001",
                       "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                       "auth",
                       ""};
const Question kAlice{
    "alice",    "example.com", "s3cr3t", "REGISTER", "sip:example.com", "84f1c1ae6cbe5ua9c8e88dfa3ecm3459",
    "00000001", "0a4f113b",    "auth",   ""};

}  // namespace

TEST_CASE("responses are those of RFC 7616 3.9.1") {
  CHECK(response(Algorithm::md5, kMufasa) == "8ca523f5e9506fed4657c9700eebdbec");
  CHECK(response(Algorithm::sha_256, kMufasa) ==
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  CHECK(response(Algorithm::sha_512_256, kMufasa) ==
        "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0");
}

TEST_CASE("responses of SIP requests, with the body and without") {
  CHECK(response(Algorithm::md5, kAlice) == "92cac6c55802ccbb6840c300e784b412");
  CHECK(response(Algorithm::sha_256, kAlice) ==
        "6cbfd7c0adc0126aec85a019b6fe1094409851420de3bf5b4c5b2e2321ab8d06");
  CHECK(response(Algorithm::sha_512_256, kAlice) ==
        "23923c80c519ad8aa7a64f201d1effbfa27e7db273523e3aad5e7c82785971f7");
  auto whole = kAlice;
  whole.qop = "auth-int";
  CHECK(response(Algorithm::md5, whole) == "a22754e40d3a9a0e92a75e35c7960705");
  CHECK(response(Algorithm::sha_256, whole) ==
        "01500b53459b8f4e4748cc5750d045b2f3becc6b2a49e237161a0fcfee1cbc18");
}

TEST_CASE("hashes are compared without case, and an empty one is like none") {
  Hasher hash;
  const auto made = hash(Algorithm::md5, {"a"});
  auto upper = std::string(made.text());
  for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(made.equals(made.text()));
  CHECK(made.equals(upper));
  upper[31] = upper[31] == '0' ? '1' : '0';
  CHECK_FALSE(made.equals(upper));
  CHECK_FALSE(made.equals(""));
  CHECK_FALSE(Hex().equals(""));
}

TEST_CASE("algorithms are known by their names, without case; nothing is MD5") {
  CHECK(parse_algorithm("") == Algorithm::md5);
  CHECK(parse_algorithm("sha-256") == Algorithm::sha_256);
  CHECK(parse_algorithm("SHA-512-256") == Algorithm::sha_512_256);
  CHECK_FALSE(parse_algorithm("MD5-sess"));
  CHECK_FALSE(parse_algorithm("SHA-512"));
}

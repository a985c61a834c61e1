#include "nonces.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace sipward;
using namespace sipward::digest_auth;
using std::chrono::seconds;

namespace {

const Address kPhone = *Address::parse("192.0.2.1");
const WallTime kNow = WallTime(seconds(1'800'000'000));

std::string text(const Nonces::Text& nonce) {
  return {nonce.data(), nonce.size()};
}

}  // namespace

TEST_CASE("a nonce is good for its address and its time") {
  const Nonces nonces("a secret of some length", "example.com", seconds(300));
  const auto nonce = text(nonces.make(kPhone, kNow));
  CHECK(nonces.judge(nonce, kPhone, kNow).state == Nonces::State::good);
  CHECK(nonces.judge(nonce, kPhone, kNow + seconds(300)).state == Nonces::State::good);
  CHECK(nonces.judge(nonce, kPhone, kNow + seconds(301)).state == Nonces::State::stale);
  CHECK(nonces.judge(nonce, kPhone, kNow - seconds(6)).state == Nonces::State::stale);
  CHECK(nonces.judge(nonce, *Address::parse("192.0.2.2"), kNow).state == Nonces::State::foreign);
}

TEST_CASE("an IPv6 phone may change its address within its network") {
  const Nonces nonces("a secret of some length", "example.com", seconds(300));
  const auto nonce = text(nonces.make(*Address::parse("2001:db8::1"), kNow));
  CHECK(nonces.judge(nonce, *Address::parse("2001:db8::2"), kNow).state == Nonces::State::good);
  CHECK(nonces.judge(nonce, *Address::parse("2001:db8:0:1::1"), kNow).state == Nonces::State::foreign);
}

TEST_CASE("nobody makes a nonce but who has the secret and the realm") {
  const Nonces nonces("a secret of some length", "example.com", seconds(300));
  const auto nonce = text(nonces.make(kPhone, kNow));
  CHECK(Nonces("a secret of some length", "example.com", seconds(300)).judge(nonce, kPhone, kNow).state ==
        Nonces::State::good);
  CHECK(Nonces("another secret of that", "example.com", seconds(300)).judge(nonce, kPhone, kNow).state ==
        Nonces::State::foreign);
  CHECK(Nonces("a secret of some length", "example.org", seconds(300)).judge(nonce, kPhone, kNow).state ==
        Nonces::State::foreign);
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    auto altered = nonce;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    CHECK(nonces.judge(altered, kPhone, kNow).state != Nonces::State::good);
  }
  for (const auto& other : {std::string(), std::string(32, '='), std::string(32, '\xff'), nonce + "A"})
    CHECK(nonces.judge(other, kPhone, kNow).state == Nonces::State::foreign);
}

TEST_CASE("no two nonces are the same") {
  const Nonces nonces("a secret of some length", "example.com", seconds(300));
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) made.insert(text(nonces.make(kPhone, kNow)));
  CHECK(made.size() == 100);
}

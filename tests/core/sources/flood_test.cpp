#include <catch2/catch.hpp>

#include "desk.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

constexpr Sources::Limits kSmall{.transactions = 256, .tags = 256, .proven = 256, .registrations = 64};

Peer client(std::uint32_t n) {
  Peer peer = udp_client("198.51.100.7:5062");
  peer.remote = {Address::v4(0xC6120000U + n / 4), static_cast<Port>(1024 + n % 4)};
  return peer;
}

}  // namespace

TEST_CASE("a flood of unproven transactions does not push out those of proven sources") {
  Desk desk(kSmall);
  std::vector<SipText> calls;
  for (unsigned i = 0; i < 64; ++i) {
    const auto peer = client(i);
    auto text = sip_of("INVITE");
    text.branch = "z9hG4bKcall" + std::to_string(i);
    text.call_id = "c" + std::to_string(i);
    desk.begin(text.request(), peer);
    desk.out(text.response(401, "t", challenge(("n" + std::to_string(i)).c_str())), peer);
    text.branch += "b";
    text.cseq = 2;
    text.extra = credentials(("n" + std::to_string(i)).c_str());
    REQUIRE(desk.begin(text.request(), peer)->proof == Proof::nonce);
    calls.push_back(text);
  }
  SipText noise;
  for (unsigned i = 0; i < 20'000; ++i) {
    noise.branch = "z9hG4bKnoise" + std::to_string(i);
    desk.begin(noise.request(), client(100'000 + i));
  }
  std::size_t left = 0;
  for (const auto& call : calls) left += desk.find(call.response(200)) != nullptr;
  CHECK(left == calls.size());
}

TEST_CASE("nothing grows past its limit, whatever comes") {
  Desk desk(kSmall);
  auto invite = sip_of("INVITE");
  Registering r;
  for (unsigned i = 0; i < 40'000; ++i) {
    const auto peer = client(i);
    invite.branch = "z9hG4bK" + std::to_string(i);
    invite.call_id = "call" + std::to_string(i);
    desk.begin(invite.request(), peer);
    desk.out(invite.response(200, "tag" + std::to_string(i)), peer);
    if (i % 8 == 0)
      register_proven(desk, r, peer, "Contact: <sip:u" + std::to_string(i) + "@192.168.1.5>\r\n");
  }
  const auto sizes = desk.sources.sizes();
  CHECK(sizes.transactions <= 2 * kSmall.transactions);
  CHECK(sizes.proven <= kSmall.proven);
  CHECK(sizes.registrations <= kSmall.registrations);
  CHECK(sizes.dialogs <= kSmall.proven);
  CHECK(sizes.transactions > kSmall.transactions / 2);
  CHECK(sizes.registrations == kSmall.registrations);
}

TEST_CASE("a million transactions stay within the default limits", "[slow]") {
  Desk desk;
  sip::Message message;
  SipText first;
  first.branch = "z9hG4bK00000000";
  std::string text = first.request();
  const auto digits = text.find("z9hG4bK") + 7;
  for (unsigned i = 0; i < 1'000'000; ++i) {
    for (unsigned d = 0, v = i; d < 8; ++d, v >>= 4) text[digits + d] = "0123456789abcdef"[v & 15];
    message.parse(text, sip::Framing::datagram);
    desk.sources.begin(message, client(i), Proof::none, desk.clock.now());
  }
  const auto sizes = desk.sources.sizes();
  CHECK(sizes.transactions <= Sources::Limits{}.transactions);
  CHECK(sizes.transactions > Sources::Limits{}.transactions * 99 / 100);
}

#include "runtime/own_reply.hpp"

#include <catch2/catch.hpp>

#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

std::string tag_of(const SipText& text, const HashKey& key = {1, 2}) {
  const auto octets = text.request();
  sip::Message message;
  message.parse(octets, sip::Framing::datagram);
  return std::string(own_reply_tag(key, message).text());
}

}  // namespace

TEST_CASE("our To tag is a token, the same for a retransmission, another for every request and key") {
  SipText text;
  const auto tag = tag_of(text);
  CHECK(tag.size() == 18);
  CHECK(tag.starts_with("sw"));
  CHECK(tag.find_first_not_of("0123456789abcdef", 2) == std::string::npos);
  CHECK(tag == tag_of(text));
  CHECK(tag != tag_of(text, {1, 3}));
  for (auto part : {&SipText::branch, &SipText::from_tag, &SipText::call_id}) {
    auto other = text;
    other.*part += "x";
    CHECK(tag != tag_of(other));
  }
}

TEST_CASE("parts of any length make a tag, and none runs into the next") {
  SipText text;
  text.branch = "z9hG4bK" + std::string(3000, 'b');
  text.from_tag = std::string(3000, 'f');
  text.call_id = std::string(6000, 'c');
  CHECK(tag_of(text).size() == 18);
  SipText a, b;
  a.branch = "z9hG4bKab";
  a.from_tag = "c";
  b.branch = "z9hG4bKa";
  b.from_tag = "bc";
  CHECK(tag_of(a) != tag_of(b));
}

#include "hop_marks.hpp"

#include <catch2/catch.hpp>

#include "hop_rules.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::proxy;
using namespace sipward::test;

namespace {

const Marks kMarks(HashKey{3, 4});

Flow flow_of(const std::string& client, const std::string& local, const std::string& upstream,
             Transport transport = Transport::udp) {
  Flow flow;
  flow.client.remote = *Endpoint::parse(client);
  flow.client.local = *Endpoint::parse(local);
  flow.client.transport = transport;
  flow.client.listener = 3;
  flow.client.route = 0x01020304;
  flow.client.handler = 0xFFFE;
  flow.client.connection = is_stream(transport) ? 0x0123456789ABCDEF : 0;
  flow.upstream = *Endpoint::parse(upstream);
  return flow;
}

std::string written(const Flow& flow, std::string_view bound) {
  std::string text;
  kMarks.write_flow(flow, bound, text);
  return text;
}

std::string branch_of(const SipText& text, const Sender& sender, const Place& place = {}) {
  const auto octets = text.request();
  sip::Message message;
  message.parse(octets, sip::Framing::datagram);
  return std::string(kMarks.branch(message.via(), message, sender, place).text());
}

}  // namespace

TEST_CASE("hop: a flow is read back as it was written, and is short enough for any device") {
  for (const auto& flow :
       {flow_of("192.0.2.1:5060", "203.0.113.1:5060", "10.0.0.5:5060"),
        flow_of("192.0.2.1:65535", "203.0.113.1:5060", "10.0.0.5:1", Transport::tcp),
        flow_of("[2001:db8::1]:5060", "[2001:db8::2]:5061", "[fd00::5]:5060", Transport::wss),
        flow_of("[2001:db8::1]:5060", "[2001:db8::2]:5061", "10.0.0.5:5060")}) {
    const auto text = written(flow, "call");
    CHECK(text.size() +
              std::string("<sip:@[2001:db8:1111:2222:3333:4444:5555:6666]:65535;transport=wss;lr>").size() <
          256);
    CHECK(sip::is_token(text));
    Flow read;
    REQUIRE(kMarks.read_flow(text, "call", read));
    CHECK(read.client.same_flow(flow.client));
    CHECK(read.client.route == flow.client.route);
    CHECK(read.client.handler == flow.client.handler);
    CHECK(read.upstream == flow.upstream);
    auto upper = text;
    for (auto& c : upper) c = static_cast<char>(std::toupper(c));
    CHECK(kMarks.read_flow(upper, "call", read));
  }
}

TEST_CASE("hop: a flow that was changed, or is another call's or process's, is not read") {
  const auto text = written(flow_of("192.0.2.1:5060", "203.0.113.1:5060", "10.0.0.5:5060"), "call");
  Flow read;
  CHECK_FALSE(kMarks.read_flow(text, "other", read));
  CHECK_FALSE(kMarks.read_flow(text, "", read));
  CHECK_FALSE(Marks(HashKey{3, 5}).read_flow(text, "call", read));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'b' ? 'c' : 'b';
    INFO(i);
    // The last digit holds bits that stand for nothing.
    if (kMarks.read_flow(changed, "call", read)) CHECK(i + 1 == text.size());
    CHECK_FALSE(kMarks.read_flow(text.substr(0, i), "call", read));
  }
  CHECK_FALSE(kMarks.read_flow(std::string(500, 'a'), "call", read));
  CHECK_FALSE(kMarks.read_flow("alice", "call", read));
}

TEST_CASE("hop: a branch depends on who sent the request and by which transaction, not on its method") {
  SipText text;
  const Sender client{*Endpoint::parse("192.0.2.10:5060"), false};
  const auto first = branch_of(text, client, {5, 70'000});
  Place place;
  REQUIRE(Marks::read_place(first, place));
  CHECK(place.worker == 5);
  CHECK(place.listener == 70'000);
  text.method = "CANCEL";
  CHECK(branch_of(text, client, {5, 70'000}) == first);
  CHECK(branch_of(text, {*Endpoint::parse("192.0.2.10:6000"), false}, {5, 70'000}) == first);
  CHECK(branch_of(text, {*Endpoint::parse("192.0.2.11:5060"), false}, {5, 70'000}) != first);
  CHECK(branch_of(text, {client.remote, true}, {5, 70'000}) != first);
  CHECK(branch_of(text, client, {6, 70'000}) != first);
  text.branch += "x";
  CHECK(branch_of(text, client, {5, 70'000}) != first);
  text.branch = "old";  // RFC 2543: told apart by what else there is
  const auto old = branch_of(text, client);
  text.method = "ACK";
  text.to_tag = "tag";
  CHECK(branch_of(text, client) == old);
  text.cseq = 2;
  CHECK(branch_of(text, client) != old);
}

TEST_CASE("hop: what is no branch of ours has no place") {
  Place place;
  for (const auto* text : {"", "z9hG4bK", "z9hG4bKabc", "old"}) CHECK_FALSE(Marks::read_place(text, place));
  CHECK_FALSE(Marks::read_place("z9hG4bK" + std::string(32, '1'), place));
  CHECK_FALSE(Marks::read_place("Z9hG4bK" + std::string(32, 'a'), place));
}

TEST_CASE("hop: addresses are written as SIP writes them") {
  std::string text;
  append(text, *Endpoint::parse("192.0.2.1:5060"));
  append(text, *Endpoint::parse("[2001:db8::1]:5061"));
  append(text, *Address::parse("2001:db8::2"));
  CHECK(text == "192.0.2.1:5060[2001:db8::1]:50612001:db8::2");
}

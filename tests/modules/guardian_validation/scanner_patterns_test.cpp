#include "scanner_patterns.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace sipward;
using guardian::ScannerPattern;
using guardian::ScannerPatterns;

namespace {

struct Parts {
  std::string method = "OPTIONS";
  std::string via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9;rport";
  std::string from = "<sip:100@192.0.2.9>;tag=9fxced76sl";
  std::string to = "<sip:200@192.0.2.9>";
  std::string call_id = "3848276298220188511@example.com";
  std::string contact = "<sip:100@192.0.2.1:5060>";
  std::string rest = "User-Agent: Example Phone\r\nAllow: INVITE, ACK\r\n";
};

std::optional<ScannerPattern> match(const Parts& p, const ScannerPatterns& patterns = ScannerPatterns()) {
  const std::string text = p.method + " sip:192.0.2.9 SIP/2.0\r\nVia: " + p.via + "\r\nFrom: " + p.from +
                           "\r\nTo: " + p.to + "\r\nCall-ID: " + p.call_id + "\r\nContact: " + p.contact +
                           "\r\nCSeq: 1 " + p.method + "\r\n" + p.rest + "Content-Length: 0\r\n\r\n";
  sip::Message m;
  m.parse(text, sip::Framing::datagram);
  return patterns.matches(m);
}

}  // namespace

TEST_CASE("tools are known by their agent in any case") {
  for (const char* agent :
       {"friendly-scanner", "SIPVicious/0.3", "sipcli/v1.8", "VaxSIPUserAgent/3.1", "sundayddr", "pplsip",
        "iWar", "iwar 2", "sivus", "smap 0.6.0", "sip-scan", "SIPSCAN"}) {
    INFO(agent);
    CHECK(match({.rest = std::string("User-Agent: ") + agent + "\r\n"}) == ScannerPattern::user_agent);
  }
}

TEST_CASE("agents of honest software are not tools") {
  for (const char* agent : {"sipsak 0.9.8.1", "scan", "Scanner 5", "Asterisk PBX", "Asterisk PBX 18.9.0",
                            "Taiwarp 1", "Desmapper", "FPBX-16", "baresip v1.0.0 (x86_64/linux)",
                            "Yealink SIP-T46S 66.86.0.15", "kamailio (5.6.3 (x86_64/linux))", ""}) {
    INFO(agent);
    CHECK_FALSE(match({.rest = std::string("User-Agent: ") + agent + "\r\n"}));
  }
}

TEST_CASE("a list of agents replaces the kept one, and the forms stay") {
  const ScannerPatterns own({"Acme Probe"});
  CHECK(match({.rest = "User-Agent: the acme probe 2\r\n"}, own) == ScannerPattern::user_agent);
  CHECK_FALSE(match({.rest = "User-Agent: friendly-scanner\r\n"}, own));
  CHECK(match({.contact = "sip:123@1.1.1.1"}, own) == ScannerPattern::contact);
}

TEST_CASE("the tools' own forms are known behind another agent") {
  const std::string via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-3052471236;rport";
  const std::string memo = "3130300131323334353637";  // "100", 1, "1234567"
  const std::string plain = "User-Agent: Phone\r\nAccept: application/sdp\r\n";
  CHECK(match({.from = "\"sipvicious\"<sip:100@192.0.2.9>;tag=1"}) == ScannerPattern::display_name);
  CHECK(match({.from = "\"x\"<sip:100@1.1.1.1>;tag=1", .to = "\"x\"<sip:100@1.1.1.1>"}) ==
        ScannerPattern::address);
  CHECK(match({.contact = "sip:123@1.1.1.1"}) == ScannerPattern::contact);
  CHECK(match({.contact = "<sip:123@1.1.1.1>"}) == ScannerPattern::contact);
  CHECK(match({.contact = "sip:None@192.0.2.9"}) == ScannerPattern::contact);
  CHECK(match({.contact = "None"}) == ScannerPattern::contact);
  CHECK(match({.via = via, .from = "<sip:a@b>;tag=" + memo}) == ScannerPattern::from_tag);
  CHECK(match({.from = "<sip:a@b>;tag=" + memo, .call_id = "948271650"}) == ScannerPattern::from_tag);
  CHECK(match({.via = via, .from = "<sip:a@b>;tag=3206210844", .call_id = "948271650", .rest = ""}) ==
        ScannerPattern::call_id);
  CHECK(match({.via = via, .call_id = "948271650", .rest = plain}) == ScannerPattern::call_id);
}

TEST_CASE("ordinary stacks are not taken for tools") {
  const Parts rows[] = {
      {.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1234-1-0",
       .from = "sipp <sip:sipp@192.0.2.1:5060>;tag=1234SIPpTag001",
       .call_id = "1-1234@192.0.2.1",
       .contact = "sip:sipp@192.0.2.1:5060",
       .rest = ""},
      {.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2637158134",
       .from = "<sip:1@b>;tag=2384723",
       .call_id = "948271650",
       .rest = ""},
      {.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKcydzigwkX;rport",
       .from = "<sip:1@b>;tag=533cb9e91f4b999cf76861cbb9ed54ed-d0c1",
       .call_id = "1f4b999cf76861cb-24873@192.0.2.1",
       .rest = "User-Agent: kamailio\r\n"},
      {.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK9f7e5c3b1a2d4c6e;rport",
       .from = "<sip:1@b>;tag=5a1d2c3b4e5f6071",
       .call_id = "5a1d2c3b4e5f6071",
       .rest = "User-Agent: baresip v1.0.0\r\n"},
      {.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK7f1b5c2e;rport",
       .from = "\"Anonymous\" <sip:anonymous@b>;tag=as4c6b1f02",
       .call_id = "1f0c2b5e7a9d4c8f@192.0.2.1:5060",
       .rest = "User-Agent: Asterisk PBX\r\n"},
      {.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-3052471236;rport", .call_id = "948271650"},
      {.from = "<sip:a@b>;tag=3130300131323334353637"},
  };
  for (const Parts& row : rows) {
    INFO(row.via << row.call_id);
    CHECK_FALSE(match(row));
  }
}

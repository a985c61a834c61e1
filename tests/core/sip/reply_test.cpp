#include "sipward/sip/reply.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace sipward;

namespace {

std::string reply_to(const std::string& request, int status = 400, std::string_view extra = "") {
  sip::Message m;
  m.parse(request, sip::Framing::datagram);
  std::string out = "old";
  const bool ok = sip::make_reply(m, status, sip::reason_phrase(status), "us",
                                  *Endpoint::parse("198.51.100.7:4711"), extra, out);
  CHECK(ok == !out.empty());
  return out;
}

const std::string kRest =
    "From: \"A\" <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: c\r\nCSeq: 2 "
    "OPTIONS\r\n\r\n";

}  // namespace

TEST_CASE("a reply copies what a reply must copy, and says where the request came from") {
  const std::string request =
      "OPTIONS sip:b@example.com SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 192.0.2.1:5060;rport=9;branch=z9hG4bK1;received=203.0.113.9, SIP/2.0/TCP "
      "192.0.2.2\r\n"
      "v: SIP/2.0/UDP 192.0.2.3\r\n" +
      kRest;
  CHECK(reply_to(request, 200, "Contact: <sip:x@y>\r\n") ==
        "SIP/2.0 200 OK\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=198.51.100.7;rport=4711, SIP/2.0/TCP "
        "192.0.2.2\r\n"
        "Via: SIP/2.0/UDP 192.0.2.3\r\n"
        "From: \"A\" <sip:a@example.com>;tag=1\r\n"
        "To: <sip:b@example.com>;tag=us\r\n"
        "Call-ID: c\r\nCSeq: 2 OPTIONS\r\nContact: <sip:x@y>\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("white space before the comma of a Via list costs nothing of the answer's Via") {
  const std::string request =
      "OPTIONS sip:b@example.com SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1 \t , SIP/2.0/TCP 192.0.2.2\r\n" +
      kRest;
  CHECK_THAT(reply_to(request),
             Catch::Contains("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=198.51.100.7"));
}

TEST_CASE("100 gets no tag, and a tag that is there stays") {
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n";
  CHECK(reply_to("OPTIONS sip:b SIP/2.0\r\n" + via + kRest, 100).find("tag=us") == std::string::npos);
  std::string tagged = "BYE sip:b SIP/2.0\r\n" + via + kRest;
  tagged.replace(tagged.find("com>\r\nCall"), 4, "com>;tag=5");
  CHECK(reply_to(tagged).find("To: <sip:b@example.com>;tag=5\r\n") != std::string::npos);
}

TEST_CASE("folds of copied headers become one space") {
  std::string request = "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP\r\n 192.0.2.1;branch=z9hG4bK1\r\n" + kRest;
  request.replace(request.find("2 OPTIONS"), 9, "2\r\n\tOPTIONS");
  const std::string reply = reply_to(request);
  CHECK(reply.find("Via: SIP/2.0/UDP 192.0.2.1;") != std::string::npos);
  CHECK(reply.find("CSeq: 2 OPTIONS\r\n") != std::string::npos);
}

TEST_CASE("there is no reply where none is right") {
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n";
  CHECK(reply_to("ACK sip:b SIP/2.0\r\n" + via + kRest).empty());
  CHECK(reply_to("SIP/2.0 200 OK\r\n" + via + kRest).empty());
  CHECK(reply_to("OPTIONS sip:b SIP/2.0\r\n" + kRest).empty());
  CHECK(reply_to("OPTIONS sip:b SIP/2.0\r\nVia: x\r\n" + kRest).empty());
  CHECK(reply_to("OPTIONS sip:b SIP/2.0\r\n" + via + "From: a\r\nTo: b\r\nCSeq: 1 OPTIONS\r\n\r\n").empty());
  std::string control = "OPTIONS sip:b SIP/2.0\r\n" + via + kRest;
  control.replace(control.find("\"A\""), 3, "\"\x07\"");
  CHECK(reply_to(control).empty());
}

#include "sipward/sip/message.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

using namespace sipward::sip;

namespace {

const std::string kHead =
    "OPTIONS sip:pbx.example.com SIP/2.0\r\n"
    "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n"
    "Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK3\r\n"
    "f: <sip:a@example.com>;tag=1\r\n"
    "To: <sip:b@example.com>\r\n"
    "i: Call@192.0.2.1\r\n"
    "CSeq: 7 OPTIONS\r\n"
    "Max-Forwards : 070\r\n";

// A message that keeps its octets.
struct Parsed : Message {
  explicit Parsed(std::string octets, Framing framing = Framing::datagram) : text(std::move(octets)) {
    parse(text, framing);
  }
  std::string text;
};

}  // namespace

TEST_CASE("a request is split and its values read") {
  const std::string octets =
      "\r\n\r\n" + kHead + "Expires: 4294967296\r\nX-Other:  a\r\n b \r\nl: 3\r\n\r\nabcdef";
  Parsed m(octets);
  CHECK(m.kind() == Kind::request);
  CHECK(m.defects().none());
  CHECK(m.framed());
  CHECK(m.leading() == 4);
  CHECK(m.method() == Method::options);
  CHECK(m.request_uri() == "sip:pbx.example.com");
  CHECK(m.uri().host == "pbx.example.com");
  CHECK(m.body() == "abc");
  CHECK(m.trailing() == 3);
  CHECK(m.octets() == octets.substr(4, octets.size() - 7));
  CHECK(m.content_length() == 3U);
  CHECK(m.count(HeaderId::via) == 2);
  CHECK(m.via().branch == "z9hG4bK1");
  CHECK(m.from().tag == "1");
  CHECK(m.to().tag.empty());
  CHECK(m.call_id() == "Call@192.0.2.1");
  CHECK(m.cseq().number == 7);
  CHECK(m.max_forwards() == 70U);
  CHECK(m.expires() == 4294967295U);
  CHECK(m.header("x-other")->value == "a\r\n b");
  CHECK(m.header("x-other")->line == "X-Other:  a\r\n b \r\n");
  CHECK(m.header(HeaderId::contact) == nullptr);
  ValueReader vias(m, HeaderId::via);
  std::size_t number = 0;
  for (std::string_view one; vias.next(one);) ++number;
  CHECK(number == 3);
  CHECK(vias.ok());
}

TEST_CASE("a response is split") {
  Parsed m("SIP/2.0 180 R\xC3\xBCnging now\r\nCSeq: 1 INVITE\r\n\r\n");
  CHECK(m.kind() == Kind::response);
  CHECK(m.status() == 180);
  CHECK(m.reason() == "R\xC3\xBCnging now");
  CHECK(m.non_ascii());
  CHECK(Parsed("sip/2.0 200 \r\n\r\n").defects().none());
}

TEST_CASE("what splitting noticed is told") {
  const std::string end = "l: 0\r\n\r\n";
  const struct {
    std::string octets;
    Defect defect;
  } rows[] = {
      {kHead + std::string("X: a\0b\r\n", 8) + end, Defect::nul_in_head},
      {kHead + "X: a\x07\r\n" + end, Defect::control_in_head},
      {kHead + "X: a\x7F\r\n" + end, Defect::control_in_head},
      {kHead + "X: a\n" + end, Defect::bare_lf},
      {kHead + "X: a\rb\r\n" + end, Defect::bare_cr},
      {kHead + "X: a\r\r\n" + end, Defect::bare_cr},
      {kHead + "X: a", Defect::unterminated_line},
      {kHead, Defect::no_end_of_headers},
      {kHead + "X a\r\n" + end, Defect::no_colon},
      {kHead + "X y: a\r\n" + end, Defect::bad_header_name},
      {kHead + ": a\r\n" + end, Defect::bad_header_name},
      {"OPTIONS sip:a SIP/2.0\r\n X: a\r\n" + end, Defect::fold_first},
      {kHead + "X: a\r\n \t\r\n" + end, Defect::blank_fold},
      {"OPTIONS  sip:a SIP/2.0\r\n" + end, Defect::start_line_spaces},
      {"OPTIONS sip:a SIP/2.0 \r\n" + end, Defect::start_line_spaces},
      {"OPTIONS sip:a\tSIP/2.0\r\n" + end, Defect::start_line_spaces},
      {std::string(65, 'A') + " sip:a SIP/2.0\r\n" + end, Defect::method_too_long},
      {"OPTIONS sip:a SIP/3.0\r\n" + end, Defect::bad_version},
      {"SIP/2.0 099 x\r\n" + end, Defect::bad_status},
      {"SIP/2.0 4294967301 x\r\n" + end, Defect::bad_status},
      {"SIP/2.0 200\r\n" + end, Defect::no_reason_space},
      {kHead + "l: -1\r\n\r\n", Defect::content_length_syntax},
      {kHead + "l: 9223372036854775808\r\n\r\n", Defect::content_length_syntax},
      {kHead + "l: 0\r\nContent-Length: 0\r\n\r\n", Defect::content_length_duplicate},
      {kHead + "l: 1\r\n\r\n", Defect::body_short},
      {kHead + "X: " + std::string(9000, 'x') + "\r\n" + end, Defect::header_too_long},
      {"OPTIONS sip:" + std::string(5000, 'x') + " SIP/2.0\r\n" + end, Defect::start_line_too_long},
      {kHead + std::string(40000, '\r') + end, Defect::head_too_long},
  };
  for (const auto& row : rows) {
    INFO(row.octets.substr(0, 400));
    CHECK(Parsed(row.octets).defects().has(row.defect));
  }
  CHECK(Parsed(kHead + "\r\n", Framing::stream).defects().has(Defect::content_length_missing));
  CHECK(Parsed(kHead + "\r\n").defects().none());
}

TEST_CASE("what has no SIP start line is not SIP") {
  for (const char* text :
       {"", "\r\n", "GET / HTTP/1.1\r\n\r\n", "OPTIONS\r\n\r\n", " OPTIONS sip:a SIP/2.0\r\n\r\n",
        "OPT@ONS sip:a SIP/2.0\r\n\r\n", "OPTIONS sip:a SIP/2\r\n\r\n", "\x16\x03\x01"}) {
    INFO(text);
    Parsed m(text);
    CHECK(m.kind() == Kind::not_sip);
    CHECK_FALSE(m.framed());
    CHECK_FALSE(m.via().ok);
    CHECK_FALSE(m.uri().ok);
  }
}

TEST_CASE("headers past the thirty-second are kept, and past the limit only counted") {
  std::string octets = kHead;
  for (int i = 0; i < 150; ++i) octets += "X-" + std::to_string(i) + ": " + std::to_string(i) + "\r\n";
  Parsed m(octets + "l: 0\r\n\r\n");
  CHECK(m.headers().size() == 158);
  CHECK(m.header("X-149")->value == "149");
  CHECK(m.value(HeaderId::content_length) == "0");
  m.parse("SIP/2.0 200 OK\r\nl: 0\r\n\r\n", Framing::datagram);
  CHECK(m.headers().size() == 1);
  for (int i = 0; i < 60; ++i) octets += "Y: 1\r\n";
  octets += "l: 2\r\n\r\nab";
  m.parse(octets, Framing::datagram);
  CHECK(m.defects().has(Defect::too_many_headers));
  CHECK(m.headers().size() == 200);
  CHECK(m.body() == "ab");
  CHECK_FALSE(m.framed());
}

TEST_CASE("NULs after a body of text without a length are padding") {
  Parsed m(kHead + std::string("\r\n\0\0\0", 5));
  CHECK(m.trailing() == 3);
  CHECK(m.body().empty());
  Parsed binary(kHead + "c: image/png\r\n" + std::string("\r\nx\0", 4));
  CHECK(binary.body().size() == 2);
}

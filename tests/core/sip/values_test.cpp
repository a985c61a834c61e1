#include "sipward/sip/values.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace sipward::sip;

namespace {

std::vector<std::string> split(std::string_view value, bool& ok) {
  std::vector<std::string> all;
  ListReader reader(value);
  for (std::string_view one; reader.next(one);) all.emplace_back(one);
  ok = reader.ok();
  return all;
}

}  // namespace

TEST_CASE("lists are cut at commas outside quotes and brackets") {
  bool ok = false;
  CHECK(split("\"a, b\" <sip:c,d@e>;x=\"1,2\" , <sip:f>", ok) ==
        std::vector<std::string>{"\"a, b\" <sip:c,d@e>;x=\"1,2\"", "<sip:f>"});
  CHECK(ok);
  CHECK(split("\"a\\\", b\" <sip:c>", ok).size() == 1);
  CHECK(ok);
  CHECK(split("a,,b", ok).size() == 2);
  CHECK_FALSE(ok);
  CHECK(split("a,", ok).size() == 1);
  CHECK_FALSE(ok);
  CHECK(split("", ok).empty());
  CHECK(ok);
  CHECK(split("\"a, b", ok).size() == 1);
  CHECK_FALSE(ok);
  CHECK(split("<a, b", ok).size() == 1);
  CHECK_FALSE(ok);
}

TEST_CASE("parameters are read with their quotes and folds") {
  ParameterReader reader(";a ; b = c\r\n ;d=\"x;y\";e=[::1]");
  Parameter p;
  REQUIRE(reader.next(p));
  CHECK((p.name == "a" && !p.has_value));
  REQUIRE(reader.next(p));
  CHECK((p.name == "b" && p.value == "c"));
  REQUIRE(reader.next(p));
  CHECK(p.value == "\"x;y\"");
  REQUIRE(reader.next(p));
  CHECK(p.value == "[::1]");
  CHECK_FALSE(reader.next(p));
  CHECK(reader.ok());
  CHECK(find_parameter("x=1;TAG=abc", "tag") == "abc");
  CHECK_FALSE(find_parameter("x=1", "tag"));
  ParameterReader empty(";;a");
  CHECK(empty.next(p));
  CHECK_FALSE(empty.ok());
}

TEST_CASE("a Via is read with white space where the grammar allows it") {
  const Via v = parse_via(
      "SIP / 2.0 / UDP  192.0.2.1 : 5070 ; branch = z9hG4bKa ;rport;received=[2001:db8::1], SIP/2.0/TCP b");
  CHECK(v.ok);
  CHECK(v.transport == "UDP");
  CHECK(v.host == "192.0.2.1");
  CHECK(v.port == 5070);
  CHECK(v.branch == "z9hG4bKa");
  CHECK((v.has_rport && v.rport == 0));
  CHECK(v.received == "[2001:db8::1]");
  CHECK(v.has_cookie());
  CHECK(parse_via("SIP/2.0/UDP [2001:db8::1]:5060;branch=Z9hG4bK1;rport=7").rport == 7);
  CHECK(parse_via("SIP/2.0/UNKNOWN h;branch=z9hG4bK1").ok);
  for (const char* bad : {"", "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=x", "HTTP/2.0/UDP h", "SIP/2.0 h",
                          "SIP/2.0/UDP h:0", "SIP/2.0/UDP h:x", "SIP/2.0/UDP h;;branch=x",
                          "SIP/2.0/UDP [::1;branch=x", "SIP/2.0/UDP h;branch=\"x"}) {
    INFO(bad);
    CHECK_FALSE(parse_via(bad).ok);
  }
}

TEST_CASE("the parameters of a Via end before the white space that follows it") {
  const auto via = parse_via("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport \t, SIP/2.0/UDP 192.0.2.2");
  CHECK(via.ok);
  CHECK(via.value == "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport");
  CHECK(via.parameters == "branch=z9hG4bK1;rport");
}

TEST_CASE("addresses are read in both forms") {
  const NameAddr a = parse_name_addr("\"A \\\"B\\\" C\"<sip:a@b;x=1>;tag=t;y");
  CHECK(a.ok);
  CHECK(a.display == "\"A \\\"B\\\" C\"");
  CHECK(a.uri == "sip:a@b;x=1");
  CHECK(a.parameters == "tag=t;y");
  CHECK(a.tag == "t");
  const NameAddr bare = parse_name_addr("sip:a@b;tag=t");
  CHECK(bare.ok);
  CHECK((bare.uri == "sip:a@b" && bare.tag == "t" && !bare.brackets));
  CHECK(parse_name_addr("A. Bell <sip:a@b>").ok);
  CHECK(parse_name_addr("caller<sip:a@b>").display == "caller");
  CHECK(parse_name_addr("sip:a@b;x=\"<y>\"").uri == "sip:a@b");
  CHECK(parse_name_addr("*").star);
}

TEST_CASE("what is wrong with an address is told") {
  const struct {
    const char* value;
    bool NameAddr::*flaw;
  } rows[] = {{"\"a <sip:a@b>", &NameAddr::unbalanced},
              {"<sip:a@b", &NameAddr::unbalanced},
              {"<sip:a@b>;tag=1, <sip:c@d>", &NameAddr::list},
              {"<sip:a@b>, <sip:c@d>", &NameAddr::list},
              {"<sip:a@b>;tag=1;TAG=2", &NameAddr::duplicate_tag},
              {"<sip:a@b>;;", &NameAddr::empty_parameter},
              {"<sip:a@b>;", &NameAddr::empty_parameter},
              {"<sip:a@b> x", &NameAddr::junk},
              {"< sip:a@b>", &NameAddr::inner_space},
              {"sip:a@b?x=y", &NameAddr::bare_special},
              {"sip:a,b@c", &NameAddr::bare_special},
              {"Bell, A <sip:a@b>", &NameAddr::bad_display},
              {"a@b <sip:a@b>", &NameAddr::bad_display}};
  for (const auto& row : rows) {
    INFO(row.value);
    const NameAddr a = parse_name_addr(row.value);
    CHECK(a.*row.flaw);
    CHECK_FALSE(a.ok);
  }
  CHECK(parse_name_addr("J\xC3\xBCrgen (home) <sip:a@b>").odd_display);
  CHECK_FALSE(parse_name_addr("").ok);
  std::string many = "<sip:a@b>";
  for (int i = 0; i < 65; ++i) many += ";p";
  CHECK(parse_name_addr(many).too_many_parameters);
}

TEST_CASE("a CSeq is a number below 2^31 and a method") {
  CHECK(parse_cseq("1 INVITE").method == Method::invite);
  CHECK(parse_cseq("0009\r\n   ACK").number == 9);
  CHECK(parse_cseq("2147483647 BYE").ok);
  for (const char* bad :
       {"2147483648 BYE", "-1 BYE", "1", "1BYE", "BYE", "99999999999999999999 BYE", "1 B YE"}) {
    INFO(bad);
    CHECK_FALSE(parse_cseq(bad).ok);
  }
}

TEST_CASE("numbers are digits and nothing else") {
  CHECK(parse_number("00150") == 150U);
  CHECK(parse_number("18446744073709551615") == 18446744073709551615U);
  for (const char* bad : {"", "+1", "-1", "0x1", "1 2", "1,2", "18446744073709551616"})
    CHECK_FALSE(parse_number(bad));
}

TEST_CASE("credentials are read in any order, quoted or not") {
  const AuthParams a = parse_auth(
      "Digest response=\"r\", qop=auth,nc=00000001 , username=\"a\\\"b, c\", x=y, realm=\"pbx\",\r\n "
      "nonce=\"n\", "
      "uri=\"sip:pbx\", algorithm=MD5, cnonce=\"c\", opaque=\"\"");
  CHECK(a.ok);
  CHECK(a.scheme == "Digest");
  CHECK(a.username == "a\\\"b, c");
  CHECK(a.realm == "pbx");
  CHECK(a.nonce == "n");
  CHECK(a.response == "r");
  CHECK(a.qop == "auth");
  CHECK(a.nc == "00000001");
  CHECK(a.cnonce == "c");
  CHECK(a.algorithm == "MD5");
  CHECK(parse_auth("Digest realm=\"x\", nonce=\"n\", stale=TRUE, qop=\"auth,auth-int\"").stale);
  for (const char* bad :
       {"", "Digest", "Digest realm=\"x\" nonce=\"y\"", "Digest realm=\"x", "Digest realm=\"x\",",
        "Digest nonce=a, nonce=b", "Digest realm", "Digest =x", "Digest realm="}) {
    INFO(bad);
    CHECK_FALSE(parse_auth(bad).ok);
  }
}

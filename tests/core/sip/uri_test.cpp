#include "sipward/sip/uri.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string>

using namespace sipward::sip;

TEST_CASE("the parts of a SIP URI") {
  const Uri u = parse_uri("sip:alice:secret@pbx.example.com:5070;transport=TCP;lr?Subject=x");
  CHECK(u.ok);
  CHECK(u.scheme == Scheme::sip);
  CHECK(u.user == "alice");
  CHECK(u.password == "secret");
  CHECK(u.host == "pbx.example.com");
  CHECK(u.port == 5070);
  CHECK(u.params == "transport=TCP;lr");
  CHECK(u.headers == "Subject=x");
  CHECK(uri_param(u, "Transport") == "TCP");
  CHECK(uri_param(u, "lr").data() != nullptr);
  CHECK(uri_param(u, "user").data() == nullptr);
}

TEST_CASE("the first @ ends the user part whatever stands before it") {
  const Uri u = parse_uri("sip:user;par=u%40example.net?x=/y@example.com;ob");
  CHECK(u.ok);
  CHECK(u.user == "user;par=u%40example.net?x=/y");
  CHECK(u.host == "example.com");
  CHECK(u.params == "ob");
}

TEST_CASE("an @ in the headers part of a URI is tolerated") {
  const Uri u = parse_uri("sip:bob@example.com?Replaces=abc@192.0.2.1");
  CHECK(u.ok);
  CHECK(u.host == "example.com");
  CHECK(u.headers == "Replaces=abc@192.0.2.1");
}

TEST_CASE("addresses of IPv6 need their brackets and no zone") {
  CHECK(parse_uri("sip:[2001:db8::10]").ok);
  CHECK(parse_uri("sip:[2001:db8::10:5070]").port == 0);
  CHECK(parse_uri("sip:[2001:db8::10]:5070").port == 5070);
  CHECK(parse_uri("sip:a@[2001:db8:::192.0.2.1]").ok);
  CHECK(parse_uri("sip:2001:db8::10").has(UriFlaw::bad_port));
  CHECK(parse_uri("sip:a@[fe80::1%25eth0]").has(UriFlaw::bad_host));
  CHECK(parse_uri("sip:a@[2001:db8::10").has(UriFlaw::bad_host));
}

TEST_CASE("what is wrong with a URI is told") {
  const struct {
    const char* text;
    UriFlaw flaw;
  } rows[] = {{"", UriFlaw::empty},
              {"<sip:a@b>", UriFlaw::bracketed},
              {"sip:a b@c", UriFlaw::whitespace},
              {"alice", UriFlaw::no_scheme},
              {"sip:", UriFlaw::no_host},
              {"sip:a@", UriFlaw::no_host},
              {"sip:a@ex%41mple.com", UriFlaw::bad_host},
              {"sip:a@b:0", UriFlaw::bad_port},
              {"sip:a@b:65536", UriFlaw::bad_port},
              {"sip:a@b:", UriFlaw::bad_port},
              {"sip:a@b: 5060", UriFlaw::whitespace},
              {"sip:a%4@b", UriFlaw::bad_escape},
              {"sip:a%zz@b", UriFlaw::bad_escape},
              {"sip:a@b@c", UriFlaw::second_at},
              {"sip:a@b;;c", UriFlaw::empty_param},
              {"sip:a@b;", UriFlaw::empty_param},
              {"sip:a\x01@b", UriFlaw::control},
              {"tel:-", UriFlaw::empty_number}};
  for (const auto& row : rows) {
    INFO(row.text);
    CHECK_FALSE(parse_uri(row.text).ok);
    CHECK(parse_uri(row.text).has(row.flaw));
  }
  CHECK(parse_uri("sip:a%0d%0aVia:@b").escaped_crlf);
  CHECK(parse_uri("sip:a%00@b").escaped_nul);
  CHECK(parse_uri("sip:a%00@b").ok);
}

TEST_CASE("other schemes keep what they hold") {
  const Uri tel = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
  CHECK(tel.ok);
  CHECK(tel.user == "+1-201-555-0123");
  CHECK(uri_param(tel, "phone-context") == "example.com");
  CHECK(is_emergency(parse_uri("urn:service:sos")));
  CHECK(is_emergency(parse_uri("URN:service:SOS.fire")));
  CHECK_FALSE(is_emergency(parse_uri("urn:service:sosx")));
  CHECK_FALSE(is_emergency(parse_uri("sip:service:sos@b")));
  CHECK(parse_uri("http://example.com").opaque == "//example.com");
}

TEST_CASE("a user is compared in one form") {
  std::array<char, 32> buffer{};
  CHECK(normalise_user("alice", buffer) == "alice");
  CHECK(normalise_user("%61lice", buffer) == "alice");
  CHECK(normalise_user("a%2fb%2F", buffer) == "a%2Fb%2F");
  CHECK(normalise_user("1%2", buffer) == "1%2");
  CHECK(normalise_user("+1-(201)555.0123", buffer, Scheme::tel) == "+12015550123");
  CHECK(normalise_user("1-2", buffer) == "1-2");
  std::array<char, 2> small{};
  CHECK(normalise_user("%61lice", small) == "%61lice");
}

TEST_CASE("URIs are equivalent by the rules of RFC 3261 19.1.4") {
  const auto same = [](const char* a, const char* b) {
    const bool forth = equivalent(parse_uri(a), parse_uri(b));
    CHECK(forth == equivalent(parse_uri(b), parse_uri(a)));
    return forth;
  };
  CHECK(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
  CHECK(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  CHECK(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"));
  CHECK(same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
             "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
  CHECK(same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
             "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));
  CHECK_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
  CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
  CHECK_FALSE(same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
  CHECK_FALSE(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
  CHECK_FALSE(same("sip:a%40b@c", "sips:a%40b@c"));
  CHECK(same("tel:1;x=1;x=2", "tel:1;x=2;x=1"));
}

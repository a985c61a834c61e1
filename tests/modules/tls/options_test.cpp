#include "options.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using Catch::Matchers::Contains;

namespace {

config::Node parse(const std::string& sipfile, config::Errors& errors) {
  auto nodes = config::parse_text("Sipfile", sipfile, {}, errors);
  REQUIRE(nodes.size() == 1);
  return nodes[0];
}

struct Case {
  const char* sipfile;
  const char* says;  // empty: nothing
};

void check(const Case& c, const config::Errors& errors) {
  INFO(c.sipfile << "\n" << errors.to_string());
  CHECK(errors.ok() == std::string(c.says).empty());
  CHECK_THAT(errors.to_string(), Contains(c.says));
  CHECK(errors.count(config::Severity::not_active) == 0);
}

}  // namespace

TEST_CASE("the handler's options are read and checked") {
  for (const Case& c : {
           Case{"tls", ""},
           Case{"tls cert.pem key.pem", ""},
           Case{"tls {\n certificate a.pem\n key a.key\n certificate b.pem\n key b.key\n }", ""},
           Case{"tls {\n protocols tls1.2 tls1.3\n alpn sip\n }", ""},
           Case{"tls {\n client_auth {\n mode require_and_verify\n trust_pool file ca.pem\n }\n }", ""},
           Case{"tls {\n client_auth {\n mode request\n }\n }", ""},
           Case{"tls cert.pem", "a key for each certificate; it has 1 and 0"},
           Case{"tls {\n certificate a.pem\n }", "a key for each certificate"},
           Case{"tls {\n protocols tls1.1\n }", "protocols wants tls1.2 or tls1.3"},
           Case{"tls {\n client_auth {\n mode require_and_verify\n }\n }", "without a trust_pool"},
           Case{"tls {\n client_auth {\n mode maybe\n }\n }", "mode"},
           Case{"tls {\n client_auth {\n trust_pool http://ca\n }\n }", "trust_pool wants the word file"},
           Case{"tls {\n protocols tls1.3\n ciphers TLS_AES_128_GCM_SHA256 ECDHE-RSA-AES128-GCM-SHA256\n }",
                ""},
           Case{"tls {\n max_handshakes 10\n max_handshakes_per_source 2\n }", ""},
           Case{"tls {\n protocols tls1.3 tls1.2\n }", "protocols wants the lowest version"},
           Case{"tls {\n protocols tls1.2 tls1.2 tls1.3\n }", "protocols wants the lowest version"},
           Case{"tls {\n ciphers A:B\n }", "ciphers wants OpenSSL's names"},
           Case{"tls {\n max_handshakes 0\n }", "max_handshakes"},
           Case{"tls a b c", "'c'"},
           Case{"tls {\n certificat a.pem\n }", "certificate"},
       }) {
    config::Errors errors;
    tls::read_handler(parse(c.sipfile, errors), errors);
    check(c, errors);
  }
}

TEST_CASE("a certificate goes with its key") {
  config::Errors errors;
  const auto o = tls::read_handler(parse("tls {\n certificate a b\n key ka kb\n }", errors), errors);
  CHECK(o.certificates == std::vector<std::string>{"a", "b"});
  CHECK(o.keys == std::vector<std::string>{"ka", "kb"});
}

TEST_CASE("the matcher's options are read and checked") {
  for (const Case& c : {
           Case{"tls", ""},
           Case{"tls sni sip.example.com", ""},
           Case{"tls sni sip.example.com *.example.org", ""},
           Case{"tls {\n sni sip.example.com\n alpn sip\n }", ""},
           Case{"tls sni *", "sni wants"},
           Case{"tls sni *.com", "sni wants"},
           Case{"tls sni sip.*.com", "sni wants"},
           Case{"tls sni exa_mple..com", "sni wants"},
           Case{"tls sni -a.example.com", "sni wants"},
           Case{"tls host sip.example.com", "host"},
       }) {
    config::Errors errors;
    tls::read_matcher(parse(c.sipfile, errors), errors);
    check(c, errors);
  }
}

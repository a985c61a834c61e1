#include "options.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::topology_hider;
using Catch::Matchers::Contains;

namespace {

Options read(const std::string& block, config::Errors& errors) {
  const auto nodes = config::parse_text("Sipfile", "sip_topology_hider {\n" + block + "\n}", {}, errors);
  REQUIRE(nodes.size() == 1);
  return read_options(nodes[0], errors);
}

}  // namespace

TEST_CASE("every option of the hider is read") {
  config::Errors errors;
  const Options o = read(
      "proxy_host 203.0.113.1\nproxy_port 5080\nupstream udp/192.0.2.100:5060\nrewrite_via\nrewrite_contact\n"
      "strip_headers Server User-Agent\nstrip_headers inbound X-Secret\nstrip_headers P-Asserted-Identity\n"
      "hide_private_ips\ninternal_networks 192.0.2.0/24 2001:db8::/32\nanonymize_call_id\n"
      "contact_host sbc.example.com\nmedia_address 203.0.113.2\nkey 0123456789abcdef",
      errors);
  INFO(errors.to_string());
  CHECK(errors.ok());
  CHECK(errors.count(config::Severity::not_active) == 1);
  CHECK(o.proxy_host == "203.0.113.1");
  CHECK(o.proxy_port == 5080);
  CHECK(o.upstream->port == 5060);
  CHECK((o.rewrite_via && o.rewrite_contact && o.hide_private_ips && o.anonymize_call_id));
  CHECK(o.strip_outbound == std::vector<std::string>{"Server", "User-Agent", "P-Asserted-Identity"});
  CHECK(o.strip_inbound == std::vector<std::string>{"X-Secret"});
  CHECK(o.internal_networks.size() == 2);
  CHECK(o.contact_host == "sbc.example.com");
  CHECK(o.media_address->to_string() == "203.0.113.2");
  CHECK(o.key == "0123456789abcdef");
}

TEST_CASE("options of the hider that can't be meant are errors") {
  struct Case {
    const char* block;
    const char* says;
  };
  for (const Case& c : {
           Case{"proxy_host sbc_1/x", "proxy_host wants an address or a host name"},
           Case{"proxy_port 0", "proxy_port"},
           Case{"upstream pbx:99999", "upstream"},
           Case{"rewrite_via", "needs proxy_host"},
           Case{"rewrite_contact", "needs proxy_host"},
           Case{"strip_headers", "strip_headers wants names of headers"},
           Case{"strip_headers inbound", "strip_headers wants names of headers"},
           Case{"strip_headers Server v", "can't take off Via"},
           Case{"strip_headers inbound Call-ID", "can't take off Call-ID"},
           Case{"strip_headers \"Two Words\"", "wants names of headers"},
           Case{"internal_networks 192.0.2.0/33", "internal_networks"},
           Case{"media_address pbx", "media_address wants an address"},
           Case{"key short", "key wants"},
           Case{"rewrite_vai", "rewrite_via"},
       }) {
    config::Errors errors;
    read(c.block, errors);
    INFO(c.block << "\n" << errors.to_string());
    CHECK_FALSE(errors.ok());
    CHECK_THAT(errors.to_string(), Contains(c.says));
  }
}

#include "options.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using proxy::Policy;

namespace {

proxy::Options read(const std::string& text, config::Errors& errors) {
  const auto nodes = config::parse_text("Sipfile", text, {}, errors);
  REQUIRE(nodes.size() == 1);
  return proxy::read_options(nodes.front(), errors);
}

}  // namespace

TEST_CASE("upstreams come from arguments and from blocks") {
  config::Errors errors;
  const auto o = read(
      "proxy udp/192.0.2.1:5060 pbx { upstream tcp/pbx2:5070 { weight 3 }\nupstream [2001:db8::1] }", errors);
  INFO(errors.to_string());
  CHECK(errors.ok());
  REQUIRE(o.upstreams.size() == 4);
  CHECK(o.upstreams[0].to_string() == "udp/192.0.2.1:5060");
  CHECK(o.upstreams[1].port_or_default() == 5060);
  CHECK(o.upstreams[2].transport == Transport::tcp);
  CHECK(o.policy == Policy::round_robin);
}

TEST_CASE("what proxy refuses") {
  for (const auto* text :
       {"proxy", "proxy { lb_policy first }", "proxy udp/pbx:99999", "proxy pbx { lb_policy best }",
        "proxy pbx { colour red }", "proxy pbx { upstream }", "proxy pbx { health_check { interval soon } }",
        "proxy pbx { source moon }", "proxy pbx { source_port 5070 }"}) {
    INFO(text);
    config::Errors errors;
    read(text, errors);
    CHECK_FALSE(errors.ok());
  }
}

TEST_CASE("a SIP hop may leave from ports of its own choice") {
  config::Errors errors;
  const auto o = read("proxy udp/pbx { source sip\nsource_port 5070 }", errors);
  INFO(errors.to_string());
  CHECK(errors.ok());
  CHECK(errors.count(config::Severity::not_active) == 0);
  CHECK(o.source == proxy::SourceMode::sip);
  CHECK(o.hop.source_port == 5070);
}

TEST_CASE("what proxy understands and can't do yet is said") {
  for (const auto* text : {"proxy srv/_sip._udp.example.com", "proxy tls/pbx:5061", "proxy unix//run/x.sock",
                           "proxy pbx { lb_policy least_conn }",
                           "proxy pbx { health_check { interval 30s } }", "proxy pbx { source transparent }",
                           "proxy tcp/pbx { source sip }", "proxy pbx { lb_try_duration 5s }",
                           "proxy pbx { max_fails 3 }", "proxy { upstream pbx { weight 2 } }"}) {
    INFO(text);
    config::Errors errors;
    read(text, errors);
    INFO(errors.to_string());
    CHECK(errors.ok());
    CHECK(errors.count(config::Severity::not_active) == 1);
  }
}

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
  const auto& upstreams = o.pool.upstreams;
  REQUIRE(upstreams.size() == 4);
  CHECK(upstreams[0].address.to_string() == "udp/192.0.2.1:5060");
  CHECK(upstreams[1].address.port_or_default() == 5060);
  CHECK(upstreams[2].address.transport == Transport::tcp);
  CHECK(upstreams[2].weight == 3);
  CHECK(upstreams[3].weight == 1);
  CHECK(o.pool.policy == Policy::round_robin);
  CHECK_FALSE(o.pool.check);
}

TEST_CASE("how upstreams are balanced and watched") {
  config::Errors errors;
  const auto o = read(
      "proxy srv/_sip._udp.example.com { lb_policy least_conn\nlb_try_duration 8s\nlb_try_interval 2s\n"
      "fail_duration 30s\nmax_fails 3\nhealth_check interval=10s\nupstream pbx { max_connections 7 } }",
      errors);
  INFO(errors.to_string());
  CHECK(errors.ok());
  CHECK(errors.count(config::Severity::not_active) == 0);
  const auto& p = o.pool;
  CHECK(p.policy == Policy::least_conn);
  CHECK(p.upstreams[0].address.srv);
  CHECK(p.upstreams[1].max_connections == 7);
  CHECK(p.try_duration == std::chrono::seconds(8));
  CHECK(p.try_interval == std::chrono::seconds(2));
  CHECK(p.fail_duration == std::chrono::seconds(30));
  CHECK(p.max_fails == 3);
  REQUIRE(p.check);
  CHECK(p.check->interval == std::chrono::seconds(10));
  CHECK(p.check->timeout == std::chrono::seconds(5));
  CHECK(p.check->method == proxy::CheckMethod::sip_options);
}

TEST_CASE("an option that does nothing without another is warned of") {
  for (const auto* text : {"proxy pbx { max_fails 3 }", "proxy pbx { lb_try_interval 1s }"}) {
    INFO(text);
    config::Errors errors;
    read(text, errors);
    CHECK(errors.ok());
    CHECK(errors.count(config::Severity::warning) == 1);
  }
}

TEST_CASE("what proxy refuses") {
  for (const auto* text :
       {"proxy", "proxy { lb_policy first }", "proxy udp/pbx:99999", "proxy pbx { lb_policy best }",
        "proxy pbx { colour red }", "proxy pbx { upstream }", "proxy pbx { health_check { interval soon } }",
        "proxy pbx { source moon }", "proxy pbx { source_port 5070 }", "proxy pbx { max_fails 0 }",
        "proxy pbx { health_check { fall 0 } }", "proxy { upstream pbx { weight 0 } }"}) {
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
  for (const auto* text : {"proxy tls/pbx:5061", "proxy unix//run/x.sock", "proxy pbx { source transparent }",
                           "proxy tcp/pbx { source sip }"}) {
    INFO(text);
    config::Errors errors;
    read(text, errors);
    INFO(errors.to_string());
    CHECK(errors.ok());
    CHECK(errors.count(config::Severity::not_active) == 1);
  }
}

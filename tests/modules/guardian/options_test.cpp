#include "options.hpp"

#include <catch2/catch.hpp>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

namespace {

// Reads directives of one configuration; gives all diagnostics as text.
std::string read(BuildScope& scope, const std::string& text) {
  config::Errors errors;
  const auto nodes = config::parse_text("f", test::sipfile_lines(text), {}, errors);
  test::PlainCreateContext create(errors, scope);
  std::vector<std::unique_ptr<Handler>> handlers;
  for (const auto& node : nodes) handlers.push_back(make_guardian(node, create));
  for (const auto& handler : handlers) handler->validate(errors);
  return errors.to_string();
}

Options options(BuildScope& scope, const std::string& name = "default") {
  return shared_options(scope, name)->options;
}

}  // namespace

TEST_CASE("the README's guardian parses whole, and what is not active yet is said") {
  BuildScope scope;
  const auto said = read(scope, R"(sip_guardian {
    max_failures 5
    find_time 10m
    ban_time 1h
    whitelist 10.0.0.0/8 192.168.0.0/16
    geoip_db /etc/caddy/GeoLite2-Country.mmdb
    blocked_countries CN RU
    rate_limit {
        register 10/s burst 20
        invite 5/s burst 10
        options 20/s burst 50
    }
    enumeration {
        max_extensions 20
        extension_window 5m
        sequential_threshold 5
        rapid_fire_count 10
        rapid_fire_window 30s
        ban_time 2h
        exempt_extensions 100 200 9999
    }
    validation {
        enabled true
        mode strict
        max_message_size 65535
        ban_on_null_bytes true
        ban_on_binary_injection true
        disabled_rules via_invalid_branch
    }
    metrics {
        enabled true
    }
    webhooks {
        url https://hooks.example.com/sip-alerts
        events ban unban attack enumeration
    }
    storage {
        path /var/lib/caddy/sip_guardian.db
    }
})");
  INFO(said);
  CHECK(said.find("error") == std::string::npos);
  CHECK(said.find("not active") == std::string::npos);
  const auto o = options(scope);
  CHECK(o.storage.path == "/var/lib/caddy/sip_guardian.db");
  CHECK(o.whitelist.size() == 2);
  CHECK(o.validation_mode == validation::Mode::strict);
  CHECK(o.rates[static_cast<std::size_t>(sip::Method::register_)] == config::Rate{10, 1s, 20});
  CHECK_FALSE(o.rates[kAnyMethod]);
}

TEST_CASE("every option of the contract parses") {
  BuildScope scope;
  const auto said = read(scope, R"(sip_guardian main {
    ban_escalation 2 max 24h
    soft_block 30s max 2m
    whitelist 192.0.2.1 trunk.example.com _sip._udp.example.com
    mode shadow
    evidence any
    ban_scope { ipv4 /32; ipv6 /64 }
    asn_db x
    geoip_required
    allowed_countries DE
    blocked_asns AS1221 64500
    rate_limit { any 50/s burst 100; shadow }
    flood { window 10s; max_requests 30; ban_time 1h }
    scanner_block { user_agents foo bar; shadow }
    failed_auth_ban { threshold 10; window 10m; ban_time 1h; strong_signal_weight 3 }
    apiban { api_key k; interval 5m; url https://apiban.org/api }
    feed voipbl { url https://example.com/list; interval 1h; max_entries 1000; ttl 7d }
    storage redis { address host:6379 }
    ban_log /var/log/x
    decision_log /var/log/y { roll_size 1MiB; roll_keep 3 }
    kernel_drop xdp eth0
    on_block reply 403
})");
  INFO(said);
  CHECK(said.find("wants") == std::string::npos);
  CHECK(said.find("unknown") == std::string::npos);
  const auto o = options(scope, "main");
  CHECK(o.escalation_factor == 2);
  CHECK(o.soft_block == 30s);
  CHECK(o.soft_block_max == 2min);
  CHECK(o.whitelist_names == std::vector<std::string>{"trunk.example.com", "_sip._udp.example.com"});
  CHECK(o.shadow);
  CHECK(o.evidence == EvidencePolicy::any);
  CHECK(o.scanner_agents.size() == 2);
  CHECK(o.on_block == OnBlock::reply);
  CHECK(o.on_block_status == 403);
  CHECK(said.find("storage redis is not active yet") != std::string::npos);
  CHECK(o.storage.path.empty());
  CHECK(o.logs.ban_log == "/var/log/x");
  CHECK(o.logs.decision_log == "/var/log/y");
  CHECK(o.logs.roll_size == 1024 * 1024);
  CHECK(o.logs.roll_keep == 3);
  CHECK(o.rates_shadow);
}

TEST_CASE("a guardian without a block, or with one line, or with an ellipsis has the defaults") {
  for (const char* text : {"sip_guardian", "sip_guardian {\n}", "sip_guardian { ... }"}) {
    BuildScope scope;
    const auto said = read(scope, text);
    INFO(text << said);
    CHECK(said.find("wants") == std::string::npos);
    CHECK(options(scope).max_failures == 5);
    CHECK(options(scope).scanner_block);
  }
  BuildScope scope;
  read(scope, "sip_guardian { max_failures 3 }");
  CHECK(options(scope).max_failures == 3);
}

TEST_CASE("blocks of one instance are one set of options, of two instances two") {
  BuildScope scope;
  const auto said = read(scope,
                         "sip_guardian { max_failures 3; whitelist 10.0.0.0/8 }\n"
                         "sip_guardian { ban_time 2h; max_failures 3; whitelist 192.0.2.1 }\n"
                         "sip_guardian other { max_failures 9 }\n");
  INFO(said);
  CHECK(said.empty());
  CHECK(options(scope).max_failures == 3);
  CHECK(options(scope).ban_time == 2h);
  CHECK(options(scope).whitelist.size() == 2);
  CHECK(options(scope, "other").max_failures == 9);
}

TEST_CASE("one instance with two values for one option is an error that shows both places") {
  BuildScope scope;
  const auto said = read(scope,
                         "sip_guardian { max_failures 3; validation { mode strict } }\n"
                         "sip_guardian {\n  max_failures 5\n  validation { mode paranoid }\n}\n");
  INFO(said);
  CHECK(said.find("f:4:3: max_failures is 5 here and 3 at f:1:16") != std::string::npos);
  CHECK(said.find("validation.mode is \"paranoid\" here and \"strict\" at f:2:") != std::string::npos);
}

TEST_CASE("bad values are errors at their place") {
  struct {
    const char* option;
    const char* message;
  } const cases[] = {
      {"max_failures 0", "max_failures"},
      {"max_failurs 3", "unknown option"},
      {"ban_time 1hour", "ban_time wants a duration"},
      {"whitelist 10.0.0.0/33", "whitelist wants"},
      {"mode strict", "mode wants"},
      {"ban_scope { ipv4 /8 }", "ipv4 wants a prefix length"},
      {"rate_limit { register 10 }", "register wants"},
      {"rate_limit { ack 10/s }", "unknown option 'ack'"},
      {"validation { disabled_rules nonsense }", "disabled_rules"},
      {"validation { max_message_size 1 }", "max_message_size"},
      {"soft_block 10m max 5m", "less than soft_block itself"},
      {"ban_escalation 1", "wants a factor"},
      {"blocked_countries China", "blocked_countries wants"},
      {"kernel_drop xdp", "wants interface"},
      {"storage redis { path x }", "wants address"},
      {"storage", "wants path"},
      {"decision_log {\n roll_keep 3\n}", "wants path"},
      {"ban_log /x\n decision_log /x", "two files"},
      {"feed x { interval 1h }", "either url or file"},
      {"webhooks { events ban }", "wants url"},
      {"webhooks { url ftp://example.com/ }", "url wants an address such as https://"},
  };
  for (const auto& c : cases) {
    BuildScope scope;
    const auto said = read(scope, std::string("sip_guardian {\n") + c.option + "\n}\n");
    INFO(c.option << "\n" << said);
    CHECK(said.find(c.message) != std::string::npos);
  }
}

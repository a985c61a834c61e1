#include "options_reader.hpp"

#include <algorithm>

namespace sipward::guardian {
namespace {

using config::Place;
using config::Reader;

void read_whitelist(Reader& r, Options& o) {
  bool everybody = false;
  r.values("whitelist", "addresses, networks such as 10.0.0.0/8, or names", [&](const config::Arg& arg) {
    if (const auto cidr = Cidr::parse(arg.text)) {
      o.whitelist.push_back(*cidr);
      everybody = everybody || cidr->bits == 0;
    } else if (!is_name(arg.text)) {
      return false;
    } else {
      o.whitelist_names.push_back(arg.text);
    }
    return true;
  });
  if (everybody) {
    r.warn("whitelist", "a whitelist of 0.0.0.0/0 or ::/0 switches the guardian off for that whole family");
  }
}

void read_scope(Reader& r, Options& o) {
  r.block("ban_scope", [&](Reader& b) {
    const auto prefix = [&](std::string_view name, unsigned& out, unsigned min, unsigned max,
                            unsigned usual) {
      const auto wants = "a prefix length from /" + std::to_string(min) + " to /" + std::to_string(max);
      b.value(name, wants, [&](const config::Arg& arg) {
        std::string_view text = arg.text;
        if (!text.empty() && text.front() == '/') text.remove_prefix(1);
        const auto number = config::parse_number(text);
        if (!number || *number < min || *number > max) return false;
        out = static_cast<unsigned>(*number);
        return true;
      });
      if (out < usual)
        b.warn(name, std::string(name) + " bans whole networks: neighbours suffer for each other");
    };
    prefix("ipv4", o.ban_scope_v4, 24, 32, 32);
    prefix("ipv6", o.ban_scope_v6, 48, 128, 64);
  });
}

void read_rates(Reader& r, Options& o) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 12> kNames = {{
      {"register", static_cast<std::size_t>(sip::Method::register_)},
      {"invite", static_cast<std::size_t>(sip::Method::invite)},
      {"options", static_cast<std::size_t>(sip::Method::options)},
      {"info", static_cast<std::size_t>(sip::Method::info)},
      {"notify", static_cast<std::size_t>(sip::Method::notify)},
      {"subscribe", static_cast<std::size_t>(sip::Method::subscribe)},
      {"message", static_cast<std::size_t>(sip::Method::message)},
      {"refer", static_cast<std::size_t>(sip::Method::refer)},
      {"update", static_cast<std::size_t>(sip::Method::update)},
      {"publish", static_cast<std::size_t>(sip::Method::publish)},
      {"other", static_cast<std::size_t>(sip::Method::other)},
      {"any", kAnyMethod},
  }};
  r.block("rate_limit", [&](Reader& b) {
    for (const auto& [name, slot] : kNames) {
      config::Rate rate = o.rates[slot].value_or(config::Rate{});
      if (b.rate(name, rate)) o.rates[slot] = rate;
    }
    b.rate("strangers", o.strangers);
    b.flag("shadow", o.rates_shadow);
  });
}

void read_validation(Reader& r, Options& o) {
  r.block("validation", [&](Reader& b) {
    b.flag("enabled", o.validation);
    b.one_of("mode", o.validation_mode,
             {{"permissive", validation::Mode::permissive},
              {"strict", validation::Mode::strict},
              {"paranoid", validation::Mode::paranoid}});
    b.size("max_message_size", o.max_message_size, Place::option, 256, 65535);
    b.flag("ban_on_null_bytes", o.ban_on_null_bytes);
    b.flag("ban_on_binary_injection", o.ban_on_binary_injection);
    b.words("disabled_rules", o.disabled_rules, validation::kRuleNames);
    b.flag("shadow", o.validation_shadow);
  });
}

void read_detection(Reader& r, Options& o) {
  o.flood = r.block("flood", [&](Reader& b) {
    b.duration("window", o.flood_window);
    b.number("max_requests", o.flood_requests, 1U, 1'000'000U);
    b.duration("ban_time", o.flood_ban_time);
    b.flag("shadow", o.flood_shadow);
  }) || o.flood;
  r.block("scanner_block", [&](Reader& b) {
    b.flag("enabled", o.scanner_block, Place::argument);
    b.texts("user_agents", o.scanner_agents);
    b.flag("shadow", o.scanner_shadow);
  });
  read_enumeration(r, o.enumeration);
  read_failed_auth(r, o.failed_auth);
}

// What is read for a feature that is not active yet: each option with its own default, so that what is
// printed of it is true.
class Later {
 public:
  explicit Later(Reader& reader) : r_(reader) {}
  Later& number(std::string_view name, unsigned value, unsigned max = 1'000'000) {
    r_.number(name, value, 1U, max);
    return *this;
  }
  Later& duration(std::string_view name, milliseconds value) {
    r_.duration(name, value);
    return *this;
  }
  Later& text(std::string_view name, std::string value = {}, Place place = Place::option) {
    r_.text(name, value, place);
    return *this;
  }

 private:
  Reader& r_;
};

void read_feed(Reader& b) {
  Later(b)
      .text("name", {}, Place::argument)
      .text("url")
      .text("file")
      .duration("interval", std::chrono::hours(1))
      .duration("ttl", std::chrono::hours(24 * 7))
      .number("max_entries", 100'000, 10'000'000);
  b.require("name");
  if (b.given("url") == b.given("file")) b.error("name", "feed wants either url or file");
}

void read_kernel_drop(Reader& b) {
  std::size_t how = 0;
  b.one_of("how", how, {{"auto", 0}, {"nftables", 1}, {"xdp", 2}, {"socket", 3}, {"off", 4}},
           Place::argument);
  Later(b).text("interface", {}, Place::argument);
  if (how == 2) b.require("interface");
}

void read_inactive(Reader& r) {
  using namespace std::chrono_literals;
  r.block("apiban", [](Reader& b) {
    Later(b).text("api_key").duration("interval", 5min).text("url", "https://apiban.org/api");
    b.require("api_key");
  });
  r.blocks("feed", read_feed);
  r.block("kernel_drop", read_kernel_drop);
  for (const std::string_view name : {"apiban", "feed", "kernel_drop"}) r.not_active_yet(name);
}

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.front() == '-') return false;
  bool letter = false;
  for (const char c : text) {
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!alpha && !(c >= '0' && c <= '9') && c != '-' && c != '.') return false;
    letter = letter || alpha;
  }
  return letter;
}

void read_options(Reader& r, Options& o) {
  r.text("name", o.name, Place::argument);
  r.number("max_failures", o.max_failures, 1U, 1'000'000U);
  r.duration("find_time", o.find_time);
  r.duration("ban_time", o.ban_time);
  if (r.block("ban_escalation",
              [&](Reader& b) {
                b.number("factor", o.escalation_factor, 1U, 100U, Place::argument);
                b.duration("max", o.escalation_max, Place::word);
              }) &&
      o.escalation_factor == 1 && !r.node().record->describing) {
    r.error("ban_escalation", "ban_escalation wants a factor such as 2");
  }
  r.block("soft_block", [&](Reader& b) {
    b.duration("time", o.soft_block, Place::argument);
    b.duration("max", o.soft_block_max, Place::word);
  });
  read_whitelist(r, o);
  r.one_of("mode", o.shadow, {{"enforce", false}, {"shadow", true}});
  r.one_of("evidence", o.evidence, {{"proven", EvidencePolicy::proven}, {"any", EvidencePolicy::any}});
  read_scope(r, o);
  read_geoip(r, o.geoip);
  read_rates(r, o);
  read_validation(r, o);
  read_detection(r, o);
  read_webhooks(r, o.webhooks);
  r.block("metrics", [&](Reader& b) { b.flag("enabled", o.metrics, Place::argument); });
  r.block("on_block", [&](Reader& b) {
    b.one_of("action", o.on_block, {{"silent", OnBlock::silent}, {"reply", OnBlock::reply}}, Place::argument);
    if (o.on_block == OnBlock::reply) b.number("status", o.on_block_status, 400, 699, Place::argument);
  });
  read_storage(r, o.storage);
  read_logs(r, o.logs);
  read_inactive(r);
}

}  // namespace sipward::guardian

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "sipward/config.hpp"

using namespace sipward;
using namespace sipward::config;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

enum class Mode { permissive, strict };
constexpr std::string_view kEvents[] = {"ban", "unban"};

struct Feed {
  std::string name;
  milliseconds interval{1h};
};

struct Options {
  std::string name = "default";
  unsigned max_failures = 5;
  milliseconds ban_time{1h};
  milliseconds soft_block{60s};
  milliseconds soft_block_max{5min};
  std::uint64_t max_message_size = 65535;
  Rate any{50, 1s, 100};
  Mode mode = Mode::permissive;
  bool enabled = true;
  bool rewrite = false;
  std::vector<Cidr> whitelist;
  std::vector<std::string> users;
  std::vector<std::string> events;
  UpstreamAddress upstream;
  std::vector<UpstreamAddress> upstreams;
  std::vector<Feed> feeds;
  std::string geoip_db;
  unsigned even = 0;
};

Options read(const Node& node, Errors& errors) {
  Options o;
  Reader r(node, errors);
  r.text("name", o.name, Place::argument);
  r.number("max_failures", o.max_failures, 1, 1'000'000);
  r.duration("ban_time", o.ban_time, Place::option, 1s, 24h);
  r.block("soft_block", [&](Reader& b) {
    b.duration("max", o.soft_block_max, Place::word);
    b.duration("time", o.soft_block, Place::argument);
  });
  r.size("max_message_size", o.max_message_size, Place::option, 1024, 65535);
  r.block("rate_limit", [&](Reader& b) { b.rate("any", o.any); });
  r.one_of("mode", o.mode, {{"permissive", Mode::permissive}, {"strict", Mode::strict}});
  r.block("scanner_block", [&](Reader& b) { b.flag("enabled", o.enabled, Place::argument); });
  r.flag("rewrite", o.rewrite);
  r.cidrs("whitelist", o.whitelist);
  r.texts("users", o.users);
  r.words("events", o.events, kEvents);
  r.upstream("upstream", o.upstream);
  r.upstreams("upstreams", o.upstreams);
  r.blocks("feed", [&](Reader& b) {
    auto& feed = o.feeds.emplace_back();
    b.text("name", feed.name, Place::argument);
    b.require("name");
    b.duration("interval", feed.interval);
  });
  r.text("geoip_db", o.geoip_db);
  r.not_active_yet("geoip_db");
  r.value("even", "an even number", [&](const Arg& arg) {
    const auto value = parse_number(arg.text);
    if (!value || *value % 2 != 0) return false;
    o.even = static_cast<unsigned>(*value);
    return true;
  });
  r.finish();
  r.finish();
  return o;
}

struct Result {
  Options options;
  std::string json;
  std::string messages;
  bool ok;
};

// The first lines of all messages, without the file.
std::string short_form(const Errors& errors) {
  std::string text;
  for (const auto& d : errors.sorted()) {
    text += std::to_string(d.position.line) + ":" + std::to_string(d.position.column) + ": " + d.message;
    if (!d.suggestion.empty()) text += " (" + d.suggestion + "?)";
    text += "\n";
  }
  return text;
}

Result read(std::string text) {
  Errors errors;
  const auto nodes = parse_text("test", std::move(text), {}, errors);
  REQUIRE(nodes.size() == 1);
  auto options = read(nodes[0], errors);
  return {std::move(options), boost::json::serialize(nodes[0].record->to_json()), short_form(errors),
          errors.ok()};
}

}  // namespace

TEST_CASE("without options a reader leaves every default") {
  const auto got = read("sip_guardian");
  CHECK(got.ok);
  CHECK(got.messages.empty());
  CHECK(got.options.max_failures == 5);
  CHECK(got.options.ban_time == 1h);
  CHECK(got.json == "{}");
}

TEST_CASE("a reader reads every kind of option and records its canonical form") {
  const auto got = read(R"(sip_guardian main {
    max_failures 3
    ban_time 90m
    soft_block 30s max 10m
    max_message_size 32KiB
    rate_limit { any 10/s burst 20 }
    mode strict
    scanner_block off
    rewrite
    whitelist 10.1.2.3/8 192.0.2.1
    whitelist 2001:db8::/32
    users alice "bob b"
    events ban
    upstream udp/pbx:5060
    upstreams udp/pbx1:5060 udp/pbx2:5060
    feed a
    feed b { interval 2h }
    even 4
})");
  INFO(got.messages);
  REQUIRE(got.ok);
  const auto& o = got.options;
  CHECK(o.name == "main");
  CHECK(o.max_failures == 3);
  CHECK(o.ban_time == 90min);
  CHECK(o.soft_block == 30s);
  CHECK(o.soft_block_max == 10min);
  CHECK(o.max_message_size == 32768);
  CHECK(o.any == Rate{10, 1s, 20});
  CHECK(o.mode == Mode::strict);
  CHECK_FALSE(o.enabled);
  CHECK(o.rewrite);
  CHECK(o.whitelist.size() == 3);
  CHECK(o.users == std::vector<std::string>{"alice", "bob b"});
  CHECK(o.events == std::vector<std::string>{"ban"});
  CHECK(o.upstream.host == "pbx");
  CHECK(o.upstreams.size() == 2);
  REQUIRE(o.feeds.size() == 2);
  CHECK(o.feeds[1].interval == 2h);
  CHECK(o.even == 4);
  CHECK(
      got.json ==
      R"({"name":"main","max_failures":3,"ban_time":"1h30m","soft_block":{"max":"10m","time":"30s"},)"
      R"("max_message_size":"32KiB","rate_limit":{"any":"10/s burst 20"},"mode":"strict",)"
      R"("scanner_block":{"enabled":false},"rewrite":true,"whitelist":["10.0.0.0/8","192.0.2.1","2001:db8::/32"],)"
      R"("users":["alice","bob b"],"events":["ban"],"upstream":"udp/pbx:5060",)"
      R"("upstreams":["udp/pbx1:5060","udp/pbx2:5060"],"feed":[{"name":"a"},{"name":"b","interval":"2h"}],"even":"4"})");
}

TEST_CASE("arguments, words, name=value and block options are one and the same") {
  const std::string text = GENERATE("sip_guardian main { soft_block 30s max 10m }",
                                    "sip_guardian name=main {\n soft_block time=30s max=10m\n}",
                                    "sip_guardian {\n name main\n soft_block 30s {\n max 10m\n }\n}",
                                    "sip_guardian {\n name main\n soft_block max 10m 30s\n}");
  INFO(text);
  const auto got = read(text);
  INFO(got.messages);
  REQUIRE(got.ok);
  CHECK(got.options.name == "main");
  CHECK(got.options.soft_block == 30s);
  CHECK(got.options.soft_block_max == 10min);
}

TEST_CASE("every wrong option is reported, all at once, and changes nothing") {
  const auto got = read(R"(sip_guardian main extra max_failurs=3 {
    max_failures 0
    max_failures 3
    ban_time 1hour
    soft_block 30s 40s limit=1
    max_message_size 1
    rate_limit { any 10/x burst 20; }
    mode stric
    scanner_block maybe
    rewrite on off
    whitelist 10.0.0.0/33
    whitelist
    events unbann
    upstream pbx:0
    upstreams a b:x
    feed { interval }
    even 3
    users { a }
    max_failurs 3
    geoip_db /x
})");
  CHECK_FALSE(got.ok);
  CHECK(got.options.max_failures == 5);
  CHECK(got.options.ban_time == 1h);
  const std::string knows =
      "it knows ban_time, even, events, feed, geoip_db, max_failures, max_message_size, mode, name, "
      "rate_limit, rewrite, "
      "scanner_block, soft_block, upstream, upstreams, users, whitelist";
  CHECK(got.messages ==
        "1:19: sip_guardian takes no argument 'extra'\n"
        "1:25: unknown option 'max_failurs' in sip_guardian; " +
            knows +
            " (max_failures?)\n"
            "2:18: max_failures wants a number from 1 to 1000000, not '0'\n"
            "3:5: max_failures is given twice\n"
            "4:14: ban_time wants a duration from 1s to 1d, not '1hour'\n"
            "5:20: soft_block takes no argument '40s'\n"
            "5:24: unknown option 'limit' in soft_block; it knows max, time\n"
            "6:22: max_message_size wants a size from 1KiB to 65535, not '1'\n"
            "7:22: any wants a rate such as 10/s burst 20, not '10/x burst 20;'\n"
            "8:10: mode wants permissive or strict, not 'stric' (strict?)\n"
            "9:19: enabled wants on or off, not 'maybe'\n"
            "10:16: rewrite takes one value; 'off' is too much\n"
            "11:15: whitelist wants an address or network such as 10.0.0.0/8, not '10.0.0.0/33'\n"
            "12:5: whitelist wants an address or network such as 10.0.0.0/8\n"
            "13:12: events wants ban or unban, not 'unbann' (unban?)\n"
            "14:14: upstream wants an address such as udp/192.0.2.10:5060, not 'pbx:0'\n"
            "15:17: upstreams wants an address such as udp/192.0.2.10:5060, not 'b:x'\n"
            "16:5: feed wants name\n"
            "16:12: interval wants a duration such as 10m\n"
            "17:10: even wants an even number, not '3'\n"
            "18:5: users takes no block\n"
            "18:5: users wants at least one value\n"
            "19:5: unknown option 'max_failurs' in sip_guardian; " +
            knows +
            " (max_failures?)\n"
            "20:5: geoip_db is not active yet\n");
}

TEST_CASE("a block option is given once, and as a block") {
  CHECK(read("g {\n rate_limit { any 1/s }\n rate_limit { any 2/s }\n}").messages ==
        "3:2: rate_limit is given twice\n");
  CHECK(read("g rate_limit=10/s").messages == "1:3: rate_limit wants a block { … }\n");
}

TEST_CASE("a URL with a question is an argument, not an option") {
  CHECK(read("g https://x.example/?a=b").options.name == "https://x.example/?a=b");
  CHECK(read("g \"name=x\"").options.name == "name=x");
}

TEST_CASE("a directive without options says so") {
  Errors errors;
  const auto nodes = parse_text("test", "echo { loud }", {}, errors);
  Reader r(nodes[0], errors);
  r.finish();
  CHECK(short_form(errors) == "1:8: unknown option 'loud' in echo; it has no options\n");
}

TEST_CASE("children that are not options can be taken as they are") {
  Errors errors;
  const auto nodes =
      parse_text("test", "not {\n remote_ip 192.0.2.1\n sip\n remote_ip 192.0.2.2 }", {}, errors);
  Reader r(nodes[0], errors);
  std::vector<std::string> names;
  r.rest([&](const Node& node) { names.push_back(node.name); });
  r.finish();
  CHECK(errors.ok());
  CHECK(names == std::vector<std::string>{"remote_ip", "sip", "remote_ip"});
  CHECK(boost::json::serialize(nodes[0].record->to_json()) ==
        R"({"remote_ip":["192.0.2.1","192.0.2.2"],"sip":[true]})");
}

TEST_CASE("free arguments can be taken one by one") {
  Errors errors;
  const auto nodes = parse_text("test", "x a b=c", {}, errors);
  Reader r(nodes[0], errors);
  REQUIRE(r.args().size() == 2);
  CHECK(r.take_arg()->text == "a");
  CHECK(r.take_arg()->text == "b=c");
  CHECK(r.take_arg() == nullptr);
}

TEST_CASE("the options of a directive are listed with type and default, blocks included") {
  Node node;
  node.name = "sip_guardian";
  node.record->describing = true;
  Errors errors;
  read(node, errors);
  CHECK(errors.empty());
  const auto list = node.record->options_json();
  const auto find = [&](std::string_view name) {
    for (const auto& option : list)
      if (option.at("name").as_string() == name) return boost::json::serialize(option);
    return std::string();
  };
  CHECK(find("max_failures") ==
        R"({"name":"max_failures","type":"number","detail":"1 to 1000000","default":5})");
  CHECK(find("ban_time") == R"({"name":"ban_time","type":"duration","detail":"1s to 1d","default":"1h"})");
  CHECK(find("mode") ==
        R"({"name":"mode","type":"word","detail":"permissive or strict","default":"permissive"})");
  CHECK(find("whitelist") == R"({"name":"whitelist","type":"networks","repeatable":true})");
  CHECK(find("geoip_db") == R"({"name":"geoip_db","type":"text","active":false})");
  CHECK(
      find("rate_limit") ==
      R"({"name":"rate_limit","type":"block","options":[{"name":"any","type":"rate","default":"50/s burst 100"}]})");
  CHECK(boost::json::serialize(node.record->to_json()) == "{}");
}

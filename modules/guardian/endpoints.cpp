#include "endpoints.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "ban_json.hpp"
#include "options_reader.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::guardian {
namespace {

namespace json = boost::json;
using Captures = std::vector<std::string>;
using SetupPtr = std::shared_ptr<const Setup>;

constexpr std::size_t kMaxPage = 1'000;
constexpr std::size_t kMaxReason = 128;
constexpr std::size_t kMaxWhitelisted = 10'000;
// A ban by hand may be this wide and no wider: a slip of the finger must not shut out the Internet.
constexpr unsigned kWidestV4 = 8;
constexpr unsigned kWidestV6 = 16;

void answer(HttpResponse& response, unsigned status, const json::object& body) {
  response.status = status;
  response.body = json::serialize(body);
}

void fail(HttpResponse& response, unsigned status, std::string_view message) {
  response = HttpResponse::error(status, message);
}

std::optional<Cidr> target(const std::string& text, HttpResponse& response) {
  const auto prefix = Cidr::parse(text);
  if (!prefix) fail(response, 400, "'" + text.substr(0, 64) + "' is no address or network");
  return prefix;
}

// The whole of an IPv6 host is its /64.
Cidr widen_host(const Cidr& prefix) {
  return !prefix.base.is_v4() && prefix.bits > 64 ? Cidr{prefix.base.masked(64), 64} : prefix;
}

struct BanRequest {
  std::string reason = "manual_ban";
  std::chrono::milliseconds duration{};
};

std::optional<BanRequest> read_ban(const std::string& body, std::chrono::milliseconds ban_time,
                                   std::string& error) {
  BanRequest request;
  request.duration = ban_time;
  if (body.empty()) return request;
  boost::system::error_code code;
  const auto value = json::parse(body, code);
  const auto* object = code ? nullptr : value.if_object();
  if (!object) return error = "the body is no JSON object", std::nullopt;
  for (const auto& [key, member] : *object) {
    const auto* text = member.if_string();
    if (key != "reason" && key != "duration") {
      return error = "the body may hold reason and duration only", std::nullopt;
    }
    if (!text) return error = std::string(key) + " wants a string", std::nullopt;
    if (key == "reason") {
      if (text->empty() || text->size() > kMaxReason) {
        return error = "reason wants 1 to " + std::to_string(kMaxReason) + " octets", std::nullopt;
      }
      request.reason.assign(text->data(), text->size());
      continue;
    }
    const auto duration = config::parse_duration({text->data(), text->size()});
    if (!duration || duration->count() <= 0) return error = "duration wants a time such as 24h", std::nullopt;
    request.duration = *duration;
  }
  return request;
}

// Whether a parameter is a number; absent ones keep `out`.
bool number_parameter(const HttpRequest& request, std::string_view name, std::uint64_t& out) {
  bool found = false;
  const auto text = request.parameter(name, &found);
  if (!found) return true;
  const auto number = config::parse_number(text);
  if (!number || *number < 0) return false;
  out = static_cast<std::uint64_t>(*number);
  return true;
}

void list_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response) {
  setup.instance->lift_whitelisted(setup.whitelist);
  BanStore::Query query;
  bool by_address = false;
  const auto ip = request.parameter("ip", &by_address);
  if (by_address) query.address = Address::parse(ip);
  if (by_address && !query.address) return fail(response, 400, "ip wants an address");
  query.reason = request.parameter("reason");
  std::uint64_t limit = query.limit;
  if (!number_parameter(request, "limit", limit) || limit == 0 || limit > kMaxPage) {
    return fail(response, 400, "limit wants a number from 1 to " + std::to_string(kMaxPage));
  }
  query.limit = limit;
  if (!number_parameter(request, "after", query.after)) return fail(response, 400, "after wants a cursor");
  const auto page = setup.instance->store().list(query);
  json::array bans;
  for (const auto& ban : page.bans) bans.push_back(to_json(*ban));
  json::value after;
  if (page.next != 0) after = std::to_string(page.next);
  answer(response, 200, {{"bans", std::move(bans)}, {"count", page.count}, {"after", std::move(after)}});
}

void show_ban(const Setup& setup, const Captures& captures, HttpResponse& response) {
  const auto prefix = target(captures.at(0), response);
  if (!prefix) return;
  auto& store = setup.instance->store();
  setup.instance->lift_whitelisted(setup.whitelist);
  auto ban = store.find(widen_host(*prefix));
  if (!ban) {
    const auto covering = store.covering(prefix->base);
    if (!covering.empty()) ban = covering.front();
  }
  if (ban) return answer(response, 200, why(*ban, setup.instance->clock()));
  if (const auto record = store.soft_block(prefix->base)) {
    return answer(response, 200, why(*record, setup.instance->clock()));
  }
  fail(response, 404, captures[0] + " is not banned");
}

void make_ban(const Setup& setup, const HttpRequest& request, const Captures& captures,
              HttpResponse& response) {
  const auto given = target(captures.at(0), response);
  if (!given) return;
  const Cidr prefix = widen_host(*given);
  if (prefix.bits < (prefix.base.is_v4() ? kWidestV4 : kWidestV6)) {
    return fail(response, 400, "networks wider than /8 (IPv6: /16) can't be banned");
  }
  std::string error;
  const auto wanted = read_ban(request.body, setup.options.ban_time, error);
  if (!wanted) return fail(response, 400, error);
  auto& instance = *setup.instance;
  if (setup.whitelist.touches(prefix) || instance.added_whitelist()->touches(prefix)) {
    return fail(response, 409, prefix.to_string() + " is whitelisted; take it off the list first");
  }
  if (const auto why = instance.protected_addresses().why(prefix); !why.empty()) {
    return fail(response, 409, prefix.to_string() + " is protected: " + why);
  }
  auto ban = std::make_unique<Ban>();
  const bool host = prefix.bits == (prefix.base.is_v4() ? 32U : 64U);
  ban->scope = host ? Scope::address : Scope::network;
  ban->prefix = prefix;
  ban->reason = wanted->reason;
  ban->source = "admin";
  ban->automatic = false;
  ban->evidence = Evidence::trusted;
  const auto made = instance.ban_by_hand(std::move(ban), wanted->duration);
  if (!made) return fail(response, 409, "the list of bans is full");
  answer(response, 201, to_json(*made));
}

void lift_ban(const Setup& setup, const Captures& captures, HttpResponse& response) {
  const auto given = target(captures.at(0), response);
  if (!given) return;
  const Cidr prefix = widen_host(*given);
  if (!setup.instance->unban(prefix)) return fail(response, 404, captures[0] + " is not banned");
  answer(response, 200, {{"unbanned", prefix.to_string()}});
}

void stats(const Setup& setup, HttpResponse& response) {
  const auto& instance = *setup.instance;
  setup.instance->lift_whitelisted(setup.whitelist);
  answer(response, 200,
         {{"total_requests", instance.total(Tally::requests)},
          {"blocked_requests", instance.total(Tally::blocked)},
          {"active_bans", setup.instance->store().size()},
          {"enumeration_detections", instance.total(Tally::enumeration_detections)},
          {"validation_failures", instance.total(Tally::validation_failures)},
          {"rate_limited", instance.total(Tally::rate_limited)},
          {"failures", instance.total(Tally::failures)},
          {"bans", instance.total(Tally::bans)},
          {"soft_blocks", instance.total(Tally::soft_blocks)},
          {"active_soft_blocks", setup.instance->store().soft_blocks().size()}});
}

void enumeration_stats(HttpResponse& response) {
  answer(response, 200,
         {{"detections", json::object{{"count_threshold", 0}, {"sequential_pattern", 0}, {"rapid_fire", 0}}},
          {"tracked_ips", 0},
          {"top", json::array()}});
}

void validation_stats(const Setup& setup, HttpResponse& response) {
  json::object rules;
  const auto names = Checks::rules();
  for (std::size_t i = 0; i < names.size(); ++i) rules[names[i]] = setup.metrics.violations.sum(i);
  json::object results;
  static constexpr std::string_view kResults[] = {"valid", "rejected", "banned", "logged"};
  for (std::size_t i = 0; i < std::size(kResults); ++i)
    results[kResults[i]] = setup.metrics.validation.sum(i);
  answer(response, 200,
         {{"violations", std::move(rules)}, {"results", std::move(results)}, {"top", json::array()}});
}

void list_whitelist(const Setup& setup, HttpResponse& response) {
  json::array entries;
  for (const auto& network : setup.options.whitelist) {
    entries.push_back({{"entry", network.to_string()}, {"source", "sipfile"}});
  }
  for (const auto& [entry, networks] : setup.instance->whitelisted()) {
    const auto name = entry.substr(0, entry.find('\n'));
    json::array resolved;
    for (const auto& network : networks) resolved.emplace_back(network.to_string());
    const bool by_hand = name.size() == entry.size();
    entries.push_back(
        {{"entry", name}, {"source", by_hand ? "admin" : "sipfile"}, {"networks", std::move(resolved)}});
  }
  answer(response, 200, {{"whitelist", std::move(entries)}});
}

// An entry as it is kept: a network in its one form, or a name. Empty, with an answer, when it is neither.
std::string whitelist_entry(const std::string& text, HttpResponse& response) {
  if (const auto prefix = Cidr::parse(text)) return prefix->to_string();
  if (is_name(text)) return text;
  fail(response, 400, "'" + text.substr(0, 64) + "' is no address, network or name");
  return {};
}

void add_to_whitelist(const Setup& setup, const Captures& captures, HttpResponse& response) {
  const auto entry = whitelist_entry(captures.at(0), response);
  if (entry.empty()) return;
  if (setup.instance->whitelisted().size() >= kMaxWhitelisted)
    return fail(response, 409, "the whitelist is full");
  if (const auto prefix = Cidr::parse(entry)) {
    setup.instance->whitelist(entry, {*prefix});
  } else if (!setup.instance->whitelist_name_by_hand(entry)) {
    return fail(response, 409, "there are too many names on the whitelist");
  }
  answer(response, 201, {{"entry", entry}, {"source", "admin"}});
}

void take_off_whitelist(const Setup& setup, const Captures& captures, HttpResponse& response) {
  const auto entry = whitelist_entry(captures.at(0), response);
  if (entry.empty()) return;
  if (setup.instance->unwhitelist(entry)) return answer(response, 200, {{"removed", entry}});
  const auto& names = setup.options.whitelist_names;
  bool written = std::find(names.begin(), names.end(), entry) != names.end();
  for (const auto& network : setup.options.whitelist) written = written || network.to_string() == entry;
  if (written) return fail(response, 409, entry + " stands in the Sipfile");
  fail(response, 404, entry + " is not on the whitelist");
}

}  // namespace

void add_endpoints(HttpEndpoints& endpoints, SetupPtr setup) {
  // For sip_guardian_admin on a site, and for /guardian/NAME of the management API.
  const std::string groups[] = {"sip_guardian/" + setup->options.name,
                                "management/guardian/" + setup->options.name};
  const auto add = [&](const char* method, const char* pattern, auto run) {
    for (const auto& group : groups)
      endpoints.add(
          group, {method, pattern,
                  [setup, run](const HttpRequest& request, const Captures& captures, HttpResponse& response) {
                    run(*setup, request, captures, response);
                  }});
  };
  using Rq = const HttpRequest&;
  using Rs = HttpResponse&;
  using S = const Setup&;
  using C = const Captures&;
  add("GET", "/bans", [](S s, Rq q, C, Rs r) { list_bans(s, q, r); });
  add("GET", "/bans/{ip}", [](S s, Rq, C c, Rs r) { show_ban(s, c, r); });
  add("POST", "/ban/{ip}", [](S s, Rq q, C c, Rs r) { make_ban(s, q, c, r); });
  add("DELETE", "/unban/{ip}", [](S s, Rq, C c, Rs r) { lift_ban(s, c, r); });
  add("GET", "/stats", [](S s, Rq, C, Rs r) { stats(s, r); });
  add("GET", "/enumeration/stats", [](S, Rq, C, Rs r) { enumeration_stats(r); });
  add("GET", "/validation/stats", [](S s, Rq, C, Rs r) { validation_stats(s, r); });
  add("GET", "/whitelist", [](S s, Rq, C, Rs r) { list_whitelist(s, r); });
  add("POST", "/whitelist/{entry}", [](S s, Rq, C c, Rs r) { add_to_whitelist(s, c, r); });
  add("DELETE", "/whitelist/{entry}", [](S s, Rq, C c, Rs r) { take_off_whitelist(s, c, r); });
}

}  // namespace sipward::guardian

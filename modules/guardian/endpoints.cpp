#include "endpoints.hpp"

#include <algorithm>
#include <set>

#include "ban_transfer.hpp"
#include "endpoint_parts.hpp"
#include "enumeration_stats.hpp"
#include "options_reader.hpp"

namespace sipward::guardian {
namespace {

namespace json = boost::json;
using SetupPtr = std::shared_ptr<const Setup>;

constexpr std::size_t kMaxWhitelisted = 10'000;

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

void add_endpoints(BuildContext& context, SetupPtr setup) {
  auto& endpoints = context.endpoints;
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
  add("GET", "/bans/export", [](S s, Rq q, C, Rs r) { export_bans(s, q, r); });
  add("POST", "/bans/import", [](S s, Rq q, C, Rs r) { import_bans(s, q, r); });
  add("GET", "/bans/{ip}", [](S s, Rq, C c, Rs r) { show_ban(s, c, r); });
  add("GET", "/why/{ip}", [](S s, Rq, C c, Rs r) { show_why(s, c, r); });
  add("POST", "/ban/{ip}", [](S s, Rq q, C c, Rs r) { make_ban(s, q, c, r); });
  add("DELETE", "/unban/{ip}", [](S s, Rq, C c, Rs r) { lift_ban(s, c, r); });
  add("GET", "/events", [](S s, Rq q, C, Rs r) { listen(s, q, r); });
  add("GET", "/stats", [](S s, Rq, C, Rs r) { stats(s, r); });
  add("GET", "/enumeration/stats", [](S s, Rq, C, Rs r) { answer(r, 200, enumeration_stats(*s.instance)); });
  add("GET", "/validation/stats", [](S s, Rq, C, Rs r) { validation_stats(s, r); });
  add("GET", "/whitelist", [](S s, Rq, C, Rs r) { list_whitelist(s, r); });
  add("POST", "/whitelist/{entry}", [](S s, Rq, C c, Rs r) { add_to_whitelist(s, c, r); });
  add("DELETE", "/whitelist/{entry}", [](S s, Rq, C c, Rs r) { take_off_whitelist(s, c, r); });

  // Every guardian of a configuration adds its name to one list.
  const auto names = context.scope.share<std::set<std::string>>("sip_guardian/names");
  names->insert(setup->options.name);
  endpoints.add("management", {"GET", "/guardian", [names](Rq, C, Rs r) {
                                 json::array all(names->begin(), names->end());
                                 answer(r, 200, {{"guardians", std::move(all)}});
                               }});
}

}  // namespace sipward::guardian

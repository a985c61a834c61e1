#include "ban_transfer.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <map>
#include <optional>
#include <utility>

#include "ban_json.hpp"
#include "csv.hpp"
#include "endpoint_parts.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::guardian {
namespace {

namespace json = boost::json;
using Row = std::map<std::string, std::string, std::less<>>;

constexpr std::size_t kMostExported = 100'000;
constexpr std::size_t kMaxText = 128;  // of a reason, as by hand
constexpr std::size_t kMaxUser = 64;
constexpr std::string_view kColumns[] = {"ip",       "scope", "port",      "user",       "reason", "source",
                                         "evidence", "proof", "banned_at", "expires_at", "hits"};

std::string text_of(const json::value& value) {
  if (const auto* text = value.if_string()) return {text->data(), text->size()};
  if (value.is_int64() || value.is_uint64()) return json::serialize(value);
  return {};
}

std::optional<WallTime> parse_rfc3339(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (!end || end != text.c_str() + text.size()) return std::nullopt;
  const auto seconds = timegm(&parts);
  if (seconds < 0 || seconds > 9'000'000'000) return std::nullopt;
  return WallTime(std::chrono::seconds(seconds));
}

// The bans of a body, each as text by the names of to_json(); nullopt when it is neither JSON nor CSV.
std::optional<std::vector<Row>> read_rows(const std::string& body, std::string& error) {
  std::vector<Row> rows;
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return error = "the body is empty", std::nullopt;
  if (body[first] != '{' && body[first] != '[') {
    auto lines = read_csv(body);
    if (!lines || lines->empty()) return error = "the body is no CSV", std::nullopt;
    const auto names = lines->front();
    if (std::find(names.begin(), names.end(), "ip") == names.end())
      return error = "the first line of CSV wants the names of the columns, 'ip' among them", std::nullopt;
    for (auto line = lines->begin() + 1; line != lines->end(); ++line) {
      Row row;
      for (std::size_t i = 0; i < std::min(names.size(), line->size()); ++i) row[names[i]] = (*line)[i];
      rows.push_back(std::move(row));
    }
    return rows;
  }
  boost::system::error_code code;
  const auto value = json::parse(body, code);
  const auto* object = code ? nullptr : value.if_object();
  const auto* bans = object ? object->if_contains("bans") : code ? nullptr : &value;
  const auto* all = bans ? bans->if_array() : nullptr;
  if (!all) return error = "the body wants {\"bans\": [...]} or a list of bans", std::nullopt;
  for (const auto& one : *all) {
    Row row;
    if (const auto* members = one.if_object()) {
      for (const auto& [key, member] : *members) row[std::string(key)] = text_of(member);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// Turns a row into a ban, or says why not.
class Import {
 public:
  explicit Import(const Setup& setup)
      : setup_(setup), added_(setup.instance->added_whitelist()), now_(setup.instance->clock().wall()) {}

  std::unique_ptr<Ban> make(const Row& row, std::string& error) const {
    auto ban = std::make_unique<Ban>();
    error = target(row, *ban);
    if (error.empty()) error = refusal(ban->prefix);
    if (error.empty()) error = times(row, *ban);
    if (!error.empty()) return nullptr;
    ban->reason = get(row, "reason", "import");
    ban->source = get(row, "source", "admin");
    if (ban->reason.size() > kMaxText || ban->source.size() > kMaxText) {
      error = "reason and source want at most " + std::to_string(kMaxText) + " octets";
      return nullptr;
    }
    ban->automatic = ban->source != "admin";
    ban->evidence = Evidence::trusted;  // somebody vouches for it
    const auto hits = config::parse_number(get(row, "hits", "0"));
    ban->hits = static_cast<std::uint64_t>(std::max<std::int64_t>(hits.value_or(0), 0));
    return ban;
  }

 private:
  static std::string get(const Row& row, std::string_view name, std::string_view otherwise = {}) {
    const auto found = row.find(name);
    return found == row.end() || found->second.empty() ? std::string(otherwise) : found->second;
  }

  static std::string target(const Row& row, Ban& ban) {
    const auto prefix = Cidr::parse(get(row, "ip"));
    if (!prefix) return "ip is no address or network";
    const auto wanted = get(row, "scope");
    const auto scope = scope_of(wanted);
    if (!wanted.empty() && !scope) return "scope is none of address, network, flow and identity";
    ban.prefix = *prefix;
    if (scope == Scope::flow) {
      const auto port = config::parse_number(get(row, "port"));
      if (!port || *port < 1 || *port > 65535) return "a flow wants a port";
      if (prefix->bits != (prefix->base.is_v4() ? 32U : 128U)) return "a flow wants one address";
      ban.scope = Scope::flow;
      ban.port = static_cast<Port>(*port);
      return {};
    }
    ban.prefix = widen_host(*prefix);
    ban.scope = prefix_scope(ban.prefix);
    if (scope == Scope::identity) {
      ban.user_text = get(row, "user");
      if (ban.user_text.empty() || ban.user_text.size() > kMaxUser) return "an identity wants a user";
      if (ban.scope == Scope::network) return "an identity wants one address";
      ban.scope = Scope::identity;
    }
    if (too_wide(ban.prefix)) return "it is wider than /8 (IPv6: /16)";
    return {};
  }

  std::string refusal(const Cidr& prefix) const {
    if (setup_.whitelist.touches(prefix) || added_->touches(prefix)) return "it is whitelisted";
    const auto why = setup_.instance->protected_addresses().why(prefix);
    return why.empty() ? std::string() : "it is protected: " + why;
  }

  std::string times(const Row& row, Ban& ban) const {
    const auto begin = parse_rfc3339(get(row, "banned_at"));
    ban.banned_at = begin ? std::min(*begin, now_) : now_;
    if (const auto end = get(row, "expires_at"); !end.empty()) {
      const auto at = parse_rfc3339(end);
      if (!at) return "expires_at wants a time such as 2030-01-31T12:00:00Z";
      ban.expires_at = *at;
    } else if (const auto duration = get(row, "duration"); !duration.empty()) {
      const auto time = config::parse_duration(duration);
      if (!time || time->count() <= 0) return "duration wants a time such as 24h";
      ban.expires_at = now_ + *time;
    } else {
      ban.expires_at = now_ + setup_.options.ban_time;
    }
    return ban.expires_at > now_ ? std::string() : "it has expired";
  }

  const Setup& setup_;
  std::shared_ptr<const Whitelist> added_;
  WallTime now_;
};

std::string csv_of(const std::vector<BanPtr>& bans) {
  std::string out;
  for (const auto name : kColumns) append_csv(out, name, name == std::end(kColumns)[-1]);
  for (const auto& ban : bans) {
    const auto members = to_json(*ban);
    for (const auto name : kColumns) {
      const auto* member = members.if_contains(name);
      append_csv(out, member ? text_of(*member) : std::string(), name == std::end(kColumns)[-1]);
    }
  }
  return out;
}

}  // namespace

void export_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response) {
  bool given = false;
  const auto format = request.parameter("format", &given);
  const bool csv = format == "csv";
  if (given && !csv && format != "json") {
    response = HttpResponse::error(400, "format wants json or csv");
    return;
  }
  BanStore::Query query;
  std::uint64_t limit = kMostExported;
  if (!number_parameter(request, "limit", limit) || limit == 0 || limit > kMostExported ||
      !number_parameter(request, "after", query.after)) {
    response = HttpResponse::error(
        400, "limit wants a number from 1 to " + std::to_string(kMostExported) + ", after a cursor");
    return;
  }
  query.limit = limit;
  setup.lift_whitelisted();
  const auto page = setup.instance->store().list(query);
  const auto after = std::to_string(page.next);
  if (page.next != 0) response.headers.emplace_back("X-After", after);
  response.status = 200;
  if (csv) {
    response.content_type = "text/csv; charset=utf-8";
    response.body = csv_of(page.bans);
    return;
  }
  response.body = "{\"bans\":[";
  for (const auto& ban : page.bans) {
    if (response.body.back() == '}') response.body += ',';
    response.body += json::serialize(to_json(*ban));
  }
  response.body += "],\"count\":" + std::to_string(page.count) +
                   ",\"after\":" + (page.next != 0 ? '"' + after + '"' : std::string("null")) + '}';
}

void import_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response) {
  std::string error;
  const auto rows = read_rows(request.body, error);
  if (!rows) {
    response = HttpResponse::error(400, error);
    return;
  }
  const Import import(setup);
  KeptBans bans;
  json::array refused;
  for (const auto& row : *rows) {
    if (auto ban = import.make(row, error)) {
      bans.bans.push_back(std::move(ban));
      continue;
    }
    const auto ip = row.find("ip");
    refused.push_back({{"ip", ip == row.end() ? std::string() : ip->second.substr(0, 64)}, {"error", error}});
  }
  const std::size_t good = bans.bans.size();
  const std::size_t imported = setup.instance->restore(std::move(bans), Instance::Tell::yes);
  setup.instance->settle();
  response.status = 200;
  response.body = json::serialize(
      json::object{{"imported", imported}, {"unchanged", good - imported}, {"refused", std::move(refused)}});
}

}  // namespace sipward::guardian

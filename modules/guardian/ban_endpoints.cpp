#include "ban_json.hpp"
#include "endpoint_parts.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::guardian {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxPage = 1'000;
constexpr std::size_t kMaxReason = 128;

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

}  // namespace

void list_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response) {
  setup.lift_whitelisted();
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
  setup.lift_whitelisted();
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
  if (too_wide(prefix)) return fail(response, 400, "networks wider than /8 (IPv6: /16) can't be banned");
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
  ban->scope = prefix_scope(prefix);
  ban->prefix = prefix;
  ban->reason = wanted->reason;
  ban->source = "admin";
  ban->automatic = false;
  ban->evidence = Evidence::trusted;
  const auto made = instance.ban_by_hand(std::move(ban), wanted->duration);
  if (!made) return fail(response, 409, "the list of bans is full");
  instance.settle();
  answer(response, 201, to_json(*made));
}

void lift_ban(const Setup& setup, const Captures& captures, HttpResponse& response) {
  const auto given = target(captures.at(0), response);
  if (!given) return;
  const Cidr prefix = widen_host(*given);
  if (!setup.instance->unban(prefix)) return fail(response, 404, captures[0] + " is not banned");
  setup.instance->settle();
  answer(response, 200, {{"unbanned", prefix.to_string()}});
}

}  // namespace sipward::guardian

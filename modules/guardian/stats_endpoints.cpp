#include <algorithm>
#include <map>

#include "ban_json.hpp"
#include "endpoint_parts.hpp"

namespace sipward::guardian {
namespace {

namespace json = boost::json;

constexpr std::size_t kTop = 10;

// The `kTop` first by their second, as [{name, number}].
template <class Name>
json::array top(std::vector<std::pair<Name, std::uint64_t>> all, std::string_view name,
                std::string_view number) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  json::array out;
  for (std::size_t i = 0; i < std::min(all.size(), kTop); ++i) {
    out.push_back({{name, all[i].first}, {number, all[i].second}});
  }
  return out;
}

// What the live bans look like: who is turned away most, and for what they were made.
void add_bans(const BanStore& store, json::object& out) {
  std::vector<std::pair<std::string, std::uint64_t>> busiest;
  std::map<std::string, std::uint64_t> reasons;
  std::uint64_t least = 0;
  store.for_each(0, [&](const BanPtr& ban) {
    ++reasons[printable(ban->reason)];
    const auto hits = ban->hits;
    if (hits <= least) return;
    busiest.emplace_back(ban->prefix.to_string(), hits);
    if (busiest.size() < 4 * kTop) return;
    std::nth_element(busiest.begin(), busiest.begin() + kTop - 1, busiest.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    busiest.resize(kTop);
    least = busiest.back().second;
  });
  out["top_bans"] = top(std::move(busiest), "ip", "hits");
  out["top_reasons"] = top(std::vector<std::pair<std::string, std::uint64_t>>(reasons.begin(), reasons.end()),
                           "reason", "bans");
}

json::object validation_totals(const Instance& instance) {
  json::object rules;
  const auto names = Checks::rules();
  for (std::size_t rule = 0; rule < names.size(); ++rule) {
    std::uint64_t sum = 0;
    for (const auto& shard : instance.shards()) sum += shard->validation.violations(rule);
    rules[names[rule]] = sum;
  }
  json::object results;
  for (std::size_t result = 0; result < kValidationResults; ++result) {
    std::uint64_t sum = 0;
    for (const auto& shard : instance.shards()) sum += shard->validation.results(result);
    results[to_string(static_cast<ValidationResult>(result))] = sum;
  }
  return {{"violations", std::move(rules)}, {"results", std::move(results)}};
}

}  // namespace

void stats(const Setup& setup, HttpResponse& response) {
  const auto& instance = *setup.instance;
  setup.lift_whitelisted();
  json::object out{{"total_requests", instance.total(Tally::requests)},
                   {"blocked_requests", instance.total(Tally::blocked)},
                   {"active_bans", setup.instance->store().size()},
                   {"enumeration_detections", instance.total(Tally::enumeration_detections)},
                   {"validation_failures", instance.total(Tally::validation_failures)},
                   {"rate_limited", instance.total(Tally::rate_limited)},
                   {"failures", instance.total(Tally::failures)},
                   {"bans", instance.total(Tally::bans)},
                   {"soft_blocks", instance.total(Tally::soft_blocks)},
                   {"active_soft_blocks", setup.instance->store().soft_blocks().size()},
                   {"listeners", setup.instance->feed().listeners()}};
  add_bans(setup.instance->store(), out);
  answer(response, 200, out);
}

void validation_stats(const Setup& setup, HttpResponse& response) {
  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;
  response.later = [weak = std::weak_ptr(setup.instance)](std::function<void(HttpResponse)> done) {
    const auto live = weak.lock();
    if (!live) return done(HttpResponse::error(503, "the guardian is gone"));
    const auto totals = std::make_shared<json::object>(validation_totals(*live));
    const auto found = std::make_shared<Guarded<Counts>>();
    live->ask_all(
        [found](Shard& shard) {
          for (const auto& entry : shard.validation.offenders.places()) {
            if (entry.count == 0) continue;
            found->with([&](Counts& all) { all.emplace_back(entry.host.to_string(), entry.count); });
          }
        },
        [found, totals, done = std::move(done)] {
          (*totals)["top"] = top(found->with([](Counts& all) { return std::move(all); }), "ip", "violations");
          HttpResponse made;
          answer(made, 200, *totals);
          done(std::move(made));
        });
  };
}

void listen(const Setup& setup, const HttpRequest& request, HttpResponse& response) {
  bool asked = false;
  auto last = request.parameter("last_event_id", &asked);
  if (!asked) last = request.header("Last-Event-ID");
  auto stream = setup.instance->feed().listen(last);
  if (!stream) return fail(response, 503, "so many listen already; try again later");
  response.content_type = "text/event-stream";
  response.stream = std::move(stream);
}

}  // namespace sipward::guardian

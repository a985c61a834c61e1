#include "enumeration_stats.hpp"

#include "ban_json.hpp"

namespace sipward::guardian {

namespace json = boost::json;

json::object enumeration_stats(const Instance& instance) {
  json::array top;
  for (const auto& o : instance.offenders().worst()) {
    top.push_back({{"ip", o.host.to_string()},
                   {"reason", to_string(o.reason)},
                   {"evidence", o.proven ? "proven" : "unproven"},
                   {"detections", o.detections},
                   {"users", o.users},
                   {"last_seen", rfc3339(o.last)}});
  }
  return {{"detections", json::object{{"count_threshold", instance.total(Tally::count_threshold)},
                                      {"sequential_pattern", instance.total(Tally::sequential_pattern)},
                                      {"rapid_fire", instance.total(Tally::rapid_fire)}}},
          {"total", instance.total(Tally::enumeration_detections)},
          {"tracked_ips", instance.tracked()},
          {"top", std::move(top)}};
}

}  // namespace sipward::guardian

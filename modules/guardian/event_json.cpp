#include "event_json.hpp"

#include <boost/json.hpp>

#include "ban_json.hpp"

namespace sipward::guardian {

boost::json::object to_json(const Event& event, const std::string& guardian) {
  boost::json::object details{{"guardian", guardian}, {"source", event.source}};
  if (!event.details.empty()) details["text"] = event.details;
  if (event.shadow) details["shadow"] = true;
  if (event.port != 0) details["port"] = event.port;
  if (const auto& ban = event.ban) {
    details["scope"] = to_string(ban->scope);
    details["evidence"] = sipward::to_string(ban->evidence);
    details["proof"] = sipward::to_string(ban->proof);
    if (ban->scope == Scope::identity) details["user"] = printable(ban->user_text);
  }
  boost::json::value expires;
  if (event.expires_at != WallTime{}) expires = rfc3339(event.expires_at);
  return {{"id", event.global_id},          {"event", to_string(event.kind)},
          {"ip", event.prefix.to_string()}, {"reason", event.reason},
          {"timestamp", rfc3339(event.at)}, {"expires_at", std::move(expires)},
          {"details", std::move(details)}};
}

}  // namespace sipward::guardian
